# Transition levels: published tables of the mirror, models, whole space, what to compute next.
LEVELS_SET = "levels/ai_semiconductors"
# The full table of the Foundry, where a user has put it; else its first rows, which are published.
FOUNDRY_FULL = "levels/foundry/semiconductor_defectlevels_v1.1.csv"
FOUNDRY_SAMPLE = "levels/foundry_sample/foundry_defectlevels_first_rows.csv"
HAS_FOUNDRY = bool(CONFIG.mirror) and (Path(CONFIG.mirror) / FOUNDRY_FULL).is_file()
HOSTS = os.path.relpath(ROOT / CONFIG.levels.hosts)
LIVE_SETS = os.path.relpath(ROOT / CONFIG.levels.live.sets)
LIVE_ARCHIVE = os.path.relpath(ROOT / CONFIG.levels.live.archive)
LIVE_PARTS = sorted(map(str, Path(LIVE_ARCHIVE).glob("*/part-*.parquet")))
LIVE_PHASES = os.path.relpath(ROOT / CONFIG.levels.live.phases)
LIVE_PROTOCOLS = leaf(CONFIG, "protocols", "gpaw_levels")


rule build_levels:
    input:
        impurities=needs(f"{LEVELS_SET}/DFT_impurities.csv", CONFIG.mirror),
        natives=needs(f"{LEVELS_SET}/DFT_native_defects.csv", CONFIG.mirror),
    output:
        levels="results/levels/levels.parquet",
        left_out="results/levels/left_out.csv",
    log:
        "results/logs/levels/build_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(700),
        runtime=doubled(10),
    params:
        mirror=json.dumps(CONFIG.mirror),
        natives=leaf(CONFIG, "levels", "native_defects"),
        code=code("build_levels"),
    script:
        "../../scripts/build_levels.py"


# The live set: hosts and charged cells with GPAW. The archive holds it; each run computes a small
# set anew if GPAW is there, whose version is a parameter, so that its coming is seen.
rule run_levels:
    input:
        sets=LIVE_SETS,
        hosts=HOSTS,
        archive=LIVE_PARTS,
    output:
        hosts="results/levels/live_hosts.parquet",
        cells="results/levels/live_cells.parquet",
        corrections="results/levels/live_corrections.parquet",
        drift=report(
            "results/levels/live_drift.csv",
            category="Levels",
            caption="../report/level_drift.rst",
        ),
    log:
        "results/logs/levels/run_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1500),
        runtime=doubled(600 if CONFIG.levels.live.complete else 60),
    params:
        config=leaf(CONFIG, "levels", "live"),
        protocols=LIVE_PROTOCOLS,
        archive=json.dumps(LIVE_ARCHIVE),
        gpaw=gpaw_version(),
        code=code("run_levels"),
    script:
        "../../scripts/run_levels.py"


rule evaluate_levels:
    input:
        levels=rules.build_levels.output.levels,
        hosts=HOSTS,
        computed=rules.run_levels.output.hosts,
    output:
        metrics=report(
            "results/levels/metrics.csv",
            category="Levels",
            caption="../report/level_metrics.rst",
        ),
        predictions="results/levels/predictions.parquet",
    log:
        "results/logs/levels/evaluate_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(2000),
        runtime=doubled(120),
    params:
        config=leaf(CONFIG, "levels"),
        seed=leaf(CONFIG, "seed"),
        code=code("evaluate_levels"),
    script:
        "../../scripts/evaluate_levels.py"


rule align_levels:
    input:
        foundry=needs(FOUNDRY_FULL if HAS_FOUNDRY else FOUNDRY_SAMPLE, CONFIG.mirror),
    output:
        alignment=report(
            "results/levels/alignment.csv",
            category="Levels",
            caption="../report/level_alignment.rst",
        ),
        curves="results/levels/learning_curves.csv",
    log:
        "results/logs/levels/align_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1500),
        runtime=doubled(60),
    params:
        mirror=json.dumps(CONFIG.mirror),
        registered=json.dumps("" if HAS_FOUNDRY else FOUNDRY_SAMPLE),
        config=leaf(CONFIG, "levels"),
        seed=leaf(CONFIG, "seed"),
        code=code("align_levels"),
    script:
        "../../scripts/align_levels.py"


rule predict_levels:
    input:
        levels=rules.build_levels.output.levels,
        hosts=HOSTS,
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
            caption="../report/level_next.rst",
        ),
    log:
        "results/logs/levels/predict_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(3000),
        runtime=doubled(60),
    params:
        mirror=json.dumps(CONFIG.mirror),
        config=leaf(CONFIG, "levels"),
        code=code("predict_levels"),
    script:
        "../../scripts/predict_levels.py"


rule plot_level_errors:
    input:
        predictions=rules.evaluate_levels.output.predictions,
    output:
        report(
            "results/levels/figures/errors.png",
            category="Levels",
            caption="../report/level_errors.rst",
        ),
    log:
        "results/logs/levels/plot_level_errors.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(900),
        runtime=doubled(10),
    params:
        code=code("plot_level_errors"),
    script:
        "../../scripts/plot_level_errors.py"


rule simulate_levels:
    input:
        levels=rules.build_levels.output.levels,
        hosts=HOSTS,
        computed=rules.run_levels.output.hosts,
        predictions=rules.evaluate_levels.output.predictions,
    output:
        "results/levels/simulated.csv",
    log:
        "results/logs/levels/simulate_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1500),
        runtime=doubled(30),
    params:
        config=leaf(CONFIG, "levels"),
        seed=leaf(CONFIG, "seed"),
        code=code("simulate_levels"),
    script:
        "../../scripts/simulate_levels.py"


rule plot_level_gap:
    input:
        predictions=rules.evaluate_levels.output.predictions,
        simulated=rules.simulate_levels.output[0],
    output:
        report(
            "results/levels/figures/gap.png",
            category="Levels",
            caption="../report/level_gap.rst",
        ),
    log:
        "results/logs/levels/plot_level_gap.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(900),
        runtime=doubled(10),
    params:
        code=code("plot_level_gap"),
    script:
        "../../scripts/plot_level_gap.py"


rule plot_level_map:
    input:
        space=rules.predict_levels.output.space,
        hosts=HOSTS,
    output:
        map=report(
            "results/levels/figures/map.png",
            category="Levels",
            caption="../report/level_map.rst",
        ),
        wall=report(
            "results/levels/figures/wall.png",
            category="Levels",
            caption="../report/level_wall.rst",
        ),
    log:
        "results/logs/levels/plot_level_map.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(900),
        runtime=doubled(10),
    params:
        code=code("plot_level_map"),
    script:
        "../../scripts/plot_level_map.py"


rule plot_level_published:
    input:
        space=rules.predict_levels.output.space,
    output:
        report(
            "results/levels/figures/published.png",
            category="Levels",
            caption="../report/level_published.rst",
        ),
    log:
        "results/logs/levels/plot_level_published.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(900),
        runtime=doubled(10),
    params:
        code=code("plot_level_published"),
    script:
        "../../scripts/plot_level_published.py"


rule plot_level_diagrams:
    input:
        space=rules.predict_levels.output.space,
        hosts=HOSTS,
    output:
        report(
            "results/levels/figures/diagrams.png",
            category="Levels",
            caption="../report/level_diagrams.rst",
        ),
    log:
        "results/logs/levels/plot_level_diagrams.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(900),
        runtime=doubled(10),
    params:
        config=leaf(CONFIG, "levels", "diagrams"),
        code=code("plot_level_diagrams"),
    script:
        "../../scripts/plot_level_diagrams.py"


rule make_live_levels:
    input:
        hosts=rules.run_levels.output.hosts,
        cells=rules.run_levels.output.cells,
        corrections=rules.run_levels.output.corrections,
        published=rules.build_levels.output.levels,
        sets=LIVE_SETS,
        properties=HOSTS,
    output:
        levels="results/levels/live_levels.parquet",
        table=report(
            "results/levels/live_levels.csv",
            category="Levels",
            caption="../report/level_live.rst",
        ),
    log:
        "results/logs/levels/make_live_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(900),
        runtime=doubled(10),
    params:
        protocols=LIVE_PROTOCOLS,
        coefficient=leaf(CONFIG, "levels", "mba_coefficient"),
        code=code("make_live_levels"),
    script:
        "../../scripts/make_live_levels.py"


rule score_levels:
    input:
        metrics=rules.evaluate_levels.output.metrics,
        alignment=rules.align_levels.output.alignment,
        curves=rules.align_levels.output.curves,
        space=rules.predict_levels.output.space,
        live=rules.make_live_levels.output.levels,
        live_hosts=rules.run_levels.output.hosts,
        drift=rules.run_levels.output.drift,
        hosts=HOSTS,
    output:
        "results/levels/scorecard.csv",
    log:
        "results/logs/levels/score_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(700),
        runtime=doubled(10),
    params:
        code=code("score_levels"),
    script:
        "../../scripts/score_levels.py"


rule plot_live_levels:
    input:
        levels=rules.make_live_levels.output.levels,
    output:
        report(
            "results/levels/figures/live.png",
            category="Levels",
            caption="../report/level_live_figure.rst",
        ),
    log:
        "results/logs/levels/plot_live_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(900),
        runtime=doubled(10),
    params:
        code=code("plot_live_levels"),
    script:
        "../../scripts/plot_live_levels.py"


rule plot_level_sizes:
    input:
        levels=rules.make_live_levels.output.levels,
        hosts=rules.run_levels.output.hosts,
    output:
        report(
            "results/levels/figures/sizes.png",
            category="Levels",
            caption="../report/level_sizes.rst",
        ),
    log:
        "results/logs/levels/plot_level_sizes.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(900),
        runtime=doubled(10),
    params:
        code=code("plot_level_sizes"),
    script:
        "../../scripts/plot_level_sizes.py"


rule make_formation:
    input:
        hosts=rules.run_levels.output.hosts,
        cells=rules.run_levels.output.cells,
        corrections=rules.run_levels.output.corrections,
        sets=LIVE_SETS,
        properties=HOSTS,
        phases=LIVE_PHASES,
    output:
        table="results/levels/formation.csv",
        figure=report(
            "results/levels/figures/formation.png",
            category="Levels",
            caption="../report/level_formation.rst",
        ),
    log:
        "results/logs/levels/make_formation.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(900),
        runtime=doubled(10),
    params:
        chosen=leaf(CONFIG, "levels", "live", "formation"),
        protocols=LIVE_PROTOCOLS,
        code=code("make_formation"),
    script:
        "../../scripts/make_formation.py"


# Not asked for by `levels`: `snakemake results/levels/next_levels.csv` computes the head of
# next.csv.
rule run_next_levels:
    input:
        ranked=rules.predict_levels.output.ranked,
        hosts=HOSTS,
        archive=LIVE_PARTS,
    output:
        "results/levels/next_levels.csv",
    log:
        "results/logs/levels/run_next_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1500),
        runtime=doubled(600),
    params:
        config=leaf(CONFIG, "levels", "live"),
        protocols=LIVE_PROTOCOLS,
        coefficient=leaf(CONFIG, "levels", "mba_coefficient"),
        archive=json.dumps(LIVE_ARCHIVE),
        gpaw=gpaw_version(),
        code=code("run_next_levels"),
    script:
        "../../scripts/run_next_levels.py"


# VASP runs made elsewhere, levels.live.parsed; asked for if there are any.
rule parse_levels:
    input:
        [str(f) for p in CONFIG.levels.live.parsed for f in run_files(Path(p.folder))],
    output:
        levels="results/levels/parsed_levels.csv",
        left_out="results/levels/parsed_left_out.csv",
    log:
        "results/logs/levels/parse_levels.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(2000),
        runtime=doubled(60),
    params:
        parsed=leaf(CONFIG, "levels", "live", "parsed"),
        coefficient=leaf(CONFIG, "levels", "mba_coefficient"),
        code=code("parse_levels"),
    script:
        "../../scripts/parse_levels.py"
