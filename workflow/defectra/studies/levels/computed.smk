# Hosts and charged cells computed here or made elsewhere: levels, formation energies, parity.


# Hosts and charged cells computed with GPAW. The archive holds them; each run computes a small
# set anew if GPAW is there, whose version is a parameter, so that its coming is seen.
use rule step as run_levels with:
    input:
        computed=computed_chunks(CONFIG, "levels"),
    output:
        hosts="results/levels/live_hosts.parquet",
        cells="results/levels/live_cells.parquet",
        corrections="results/levels/live_corrections.parquet",
        drift=report(
            "results/levels/live_drift.csv",
            category="Levels",
            caption="captions/drift.rst",
        ),
    log:
        "results/logs/levels/run_levels.log",
    resources:
        **need(mb=1500, minutes=60),
    params:
        **step("defectra.studies.levels.steps_computed.run_levels"),
        **HOSTS,
        **LEVEL_SETS,
        config=leaf(CONFIG, "levels", "live"),
        protocols=GPAW_PROTOCOLS,
        archive=LEVEL_PARTS,
        gpaw=gpaw_version(),


use rule step as make_live_levels with:
    input:
        hosts=rules.run_levels.output.hosts,
        cells=rules.run_levels.output.cells,
        corrections=rules.run_levels.output.corrections,
        published=rules.build_levels.output.levels,
    output:
        levels="results/levels/live_levels.parquet",
        table=report(
            "results/levels/live_levels.csv",
            category="Levels",
            caption="captions/live.rst",
        ),
    log:
        "results/logs/levels/make_live_levels.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.steps_computed.make_live_levels"),
        **HOSTS,
        **LEVEL_SETS,
        protocols=GPAW_PROTOCOLS,
        coefficient=leaf(CONFIG, "levels", "mba_coefficient"),


use rule step as explain_parity with:
    input:
        levels=rules.make_live_levels.output.levels,
        hosts=rules.run_levels.output.hosts,
        cells=rules.run_levels.output.cells,
        corrections=rules.run_levels.output.corrections,
    output:
        parity="results/levels/parity.csv",
        causes=report(
            "results/levels/parity_causes.csv",
            category="Levels",
            caption="captions/causes.rst",
        ),
    log:
        "results/logs/levels/explain_parity.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.steps_computed.explain_parity"),
        **HOSTS,
        **LEVEL_SETS,
        protocols=GPAW_PROTOCOLS,


use rule step as make_formation with:
    input:
        hosts=rules.run_levels.output.hosts,
        cells=rules.run_levels.output.cells,
        corrections=rules.run_levels.output.corrections,
    output:
        table="results/levels/formation.csv",
        figure=report(
            "results/levels/figures/formation.png",
            category="Levels",
            caption="captions/formation.rst",
        ),
    log:
        "results/logs/levels/make_formation.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.steps_computed.make_formation"),
        **HOSTS,
        **LEVEL_SETS,
        **LEVEL_PHASES,
        chosen=leaf(CONFIG, "levels", "live", "formation"),
        protocols=GPAW_PROTOCOLS,


use rule step as parse_levels with:
    input:
        MADE_ELSEWHERE,
    output:
        levels="results/levels/parsed_levels.csv",
        cells="results/levels/parsed_cells.csv",
        left_out="results/levels/parsed_left_out.csv",
    log:
        "results/logs/levels/parse_levels.log",
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.levels.steps_computed.parse_levels"),
        parsed=leaf(CONFIG, "levels", "live", "parsed"),
        results=leaf(CONFIG, "levels", "live", "results"),
        tables=leaf(CONFIG, "levels", "live", "tables"),
        coefficient=leaf(CONFIG, "levels", "mba_coefficient"),
