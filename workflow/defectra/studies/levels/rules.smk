# Transition levels: published tables of the mirror, models, whole space, what to compute next.
from defectra.campaign.loads import CANNOT
from defectra.core.datasets import DATA, first_there, has, needs_all
from defectra.core.project_files import archive_parts, project_files
from defectra.engines.vasp.cells import run_files
from defectra.studies.levels.calculations import gpaw_version

LEVELS_SET = "levels/ai_semiconductors"
# The full table of the Foundry, where a user has put it; else its first rows. No address gives
# either, so that a mirror may lack both: nothing is said about two fidelities then.
FOUNDRY_FULL = "levels/foundry/semiconductor_defectlevels_v1.1.csv"
FOUNDRY_SAMPLE = "levels/foundry_sample/foundry_defectlevels_first_rows.csv"
HAS_FOUNDRY = has(FOUNDRY_FULL, CONFIG.mirror)
NO_FOUNDRY = (
    f"{CANNOT}: models of two published fidelities (study levels): neither {FOUNDRY_FULL} nor "
    f"{FOUNDRY_SAMPLE} is in {CONFIG.mirror or DATA}; docs/levels.md says where the table is."
)
HYBRID_RESULTS = ["levels/doped/CdTe/CdTe_example_thermo.json"]
HOSTS = project_files(properties=CONFIG.levels.hosts)
LEVEL_SETS = project_files(sets=CONFIG.levels.live.sets)
LEVEL_PARTS = archive_parts(CONFIG.levels.live.archive)
LEVEL_PHASES = project_files(phases=CONFIG.levels.live.phases)
GPAW_PROTOCOLS = protocol_part(CONFIG, "gpaw_levels")

# Runs, results and tables made elsewhere (levels.live: parsed, results, tables); asked for if there
# are any.
MADE_ELSEWHERE = [
    *(str(f) for p in CONFIG.levels.live.parsed for f in run_files(Path(p.folder))),
    *CONFIG.levels.live.results,
    *(t.file for t in CONFIG.levels.live.tables),
]
PARSED_JOIN = bool(MADE_ELSEWHERE) and CONFIG.levels.live.parsed_geometry != "parsed"


use rule step as build_levels with:
    input:
        impurities=needs(f"{LEVELS_SET}/DFT_impurities.csv", CONFIG.mirror),
        natives=needs(f"{LEVELS_SET}/DFT_native_defects.csv", CONFIG.mirror),
        parsed=["results/levels/parsed_levels.csv"] if PARSED_JOIN else [],
    output:
        levels="results/levels/levels.parquet",
        left_out="results/levels/left_out.csv",
    log:
        "results/logs/levels/build_levels.log",
    localrule: True
    resources:
        **need(mb=700, minutes=10),
    params:
        **step(
            "defectra.studies.levels.steps.join_levels"
            if PARSED_JOIN
            else "defectra.studies.levels.steps.build_levels"
        ),
        **(HOSTS if PARSED_JOIN else {}),
        mirror=json.dumps(CONFIG.mirror),
        natives=leaf(CONFIG, "levels", "native_defects"),
        parsed_geometry=CONFIG.levels.live.parsed_geometry,


include: "computed.smk"


use rule step as evaluate_levels with:
    input:
        levels=rules.build_levels.output.levels,
        computed=rules.run_levels.output.hosts,
    output:
        metrics=report(
            "results/levels/metrics.csv",
            category="Levels",
            caption="captions/metrics.rst",
        ),
        predictions="results/levels/predictions.parquet",
    log:
        "results/logs/levels/evaluate_levels.log",
    resources:
        **need(mb=2000, minutes=120),
    params:
        **step("defectra.studies.levels.steps.evaluate_levels"),
        **HOSTS,
        config=leaf(CONFIG, "levels"),
        seed=leaf(CONFIG, "seed"),


use rule step as align_levels with:
    input:
        foundry=first_there([FOUNDRY_FULL, FOUNDRY_SAMPLE], CONFIG.mirror, NO_FOUNDRY),
    output:
        alignment=report(
            "results/levels/alignment.csv",
            category="Levels",
            caption="captions/alignment.rst",
        ),
        curves="results/levels/learning_curves.csv",
    log:
        "results/logs/levels/align_levels.log",
    resources:
        **need(mb=1500, minutes=60),
    params:
        **step("defectra.studies.levels.steps.align_levels"),
        mirror=json.dumps(CONFIG.mirror),
        registered=json.dumps("" if HAS_FOUNDRY else FOUNDRY_SAMPLE),
        config=leaf(CONFIG, "levels", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


use rule step as train_levels with:
    input:
        levels=rules.build_levels.output.levels,
        computed=rules.run_levels.output.hosts,
    output:
        "results/levels/model.npz",
    log:
        "results/logs/levels/train_levels.log",
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.levels.steps.train_levels"),
        **HOSTS,
        config=leaf(CONFIG, "levels", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


use rule step as predict_levels with:
    input:
        model=rules.train_levels.output[0],
        computed=rules.run_levels.output.hosts,
        krr=needs(f"{LEVELS_SET}/Prediction_KRR.csv", CONFIG.mirror),
        nn=needs(f"{LEVELS_SET}/Prediction_NN.csv", CONFIG.mirror),
        rfr=needs(f"{LEVELS_SET}/Prediction_RFR.csv", CONFIG.mirror),
    output:
        space="results/levels/space.parquet",
        table="results/levels/space.csv",
        ranked=report(
            "results/levels/next.csv",
            category="Levels",
            caption="captions/next.rst",
        ),
    log:
        "results/logs/levels/predict_levels.log",
    resources:
        **need(mb=3000, minutes=60),
    params:
        **step("defectra.studies.levels.steps.predict_levels"),
        **HOSTS,
        mirror=json.dumps(CONFIG.mirror),
        config=leaf(CONFIG, "levels", without=["bootstrap"]),


use rule step as simulate_levels with:
    input:
        model=rules.train_levels.output[0],
        predictions=rules.evaluate_levels.output.predictions,
    output:
        "results/levels/simulated.csv",
    log:
        "results/logs/levels/simulate_levels.log",
    localrule: True
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.levels.steps.simulate_levels"),
        draws=leaf(CONFIG, "levels", "simulations"),
        seed=leaf(CONFIG, "seed"),


# Levels that were really computed with a hybrid functional: Foundry rows, results of doped, and
# our own cells with HSE06 on PBE orbitals.
use rule step as compare_hybrid_levels with:
    input:
        natives=needs(f"{LEVELS_SET}/DFT_native_defects.csv", CONFIG.mirror),
        results=needs_all(HYBRID_RESULTS, CONFIG.mirror),
        computed=rules.run_levels.output.hosts,
        live=rules.make_live_levels.output.levels,
        foundry=rules.align_levels.input.foundry,
    output:
        report(
            "results/levels/hybrid.csv",
            category="Levels",
            caption="captions/hybrid.rst",
        ),
    log:
        "results/logs/levels/compare_hybrid_levels.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.steps.compare_hybrid_levels"),
        mirror=json.dumps(CONFIG.mirror),
        coefficient=leaf(CONFIG, "levels", "mba_coefficient"),


use rule step as score_levels with:
    input:
        metrics=rules.evaluate_levels.output.metrics,
        alignment=rules.align_levels.output.alignment,
        hybrid=rules.compare_hybrid_levels.output[0],
        curves=rules.align_levels.output.curves,
        space=rules.predict_levels.output.space,
        live=rules.make_live_levels.output.levels,
        live_hosts=rules.run_levels.output.hosts,
        drift=rules.run_levels.output.drift,
    output:
        scorecard="results/levels/scorecard.csv",
        checks="results/levels/checks.csv",
        deviations=report(
            "results/levels/deviations.csv",
            category="Levels",
            caption="captions/deviations.rst",
        ),
    log:
        "results/logs/levels/score_levels.log",
    localrule: True
    resources:
        **need(mb=700, minutes=10),
    params:
        **step("defectra.studies.levels.steps.score_levels"),
        **HOSTS,


# Not asked for by `levels`: `snakemake results/levels/next_levels.csv` computes the head of
# next.csv.
use rule step as run_next_levels with:
    input:
        ranked=rules.predict_levels.output.ranked,
    output:
        "results/levels/next_levels.csv",
    log:
        "results/logs/levels/run_next_levels.log",
    resources:
        **need(mb=1500, minutes=600),
    params:
        **step("defectra.studies.levels.steps_computed.run_next_levels"),
        **HOSTS,
        config=leaf(CONFIG, "levels", "live"),
        protocols=GPAW_PROTOCOLS,
        coefficient=leaf(CONFIG, "levels", "mba_coefficient"),
        archive=LEVEL_PARTS,
        gpaw=gpaw_version(),


include: "figures.smk"


rule levels:
    input:
        rules.score_levels.output,
        "results/levels/space.csv",
        "results/levels/live_drift.csv",
        rules.explain_parity.output,
        ["results/levels/parsed_levels.csv"] if MADE_ELSEWHERE else [],
        expand(
            "results/levels/figures/{figure}.png",
            figure=[
                *(
                    "errors",
                    "gap",
                    "map",
                    "wall",
                    "published",
                    "diagrams",
                    "live",
                    "sizes",
                ),
                *("formation", "coverage", "hybrid"),
            ],
        ),
    localrule: True
