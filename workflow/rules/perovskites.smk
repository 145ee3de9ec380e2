# Halide perovskites: published tables, models, learning curves, the screen.

from defectra.core.config_leaves import evaluation_settings, screen_settings
from defectra.studies.perovskites.problems import TARGETS as PEROVSKITE_LABELS

PEROVSKITE_FILES = {
    "main": "perovskites/perovs_ml/Data.csv",
    "defects": "perovskites/perovs_ml/Defect_data.csv",
    "pbe": "perovskites/halide_perovs_design/PBE_data.csv",
    "hse": "perovskites/halide_perovs_design/HSE_data.csv",
    "elements": "perovskites/halide_perovs_design/Tabulated_elemental_properties.xlsx",
}


wildcard_constraints:
    label="|".join(PEROVSKITE_LABELS),


rule load_perovskites:
    input:
        main=needs(PEROVSKITE_FILES["main"], CONFIG.mirror),
        defects=needs(PEROVSKITE_FILES["defects"], CONFIG.mirror),
        pbe=needs(PEROVSKITE_FILES["pbe"], CONFIG.mirror),
        hse=needs(PEROVSKITE_FILES["hse"], CONFIG.mirror),
        elements=needs(PEROVSKITE_FILES["elements"], CONFIG.mirror),
    output:
        compounds="results/perovskites/compounds.parquet",
        references=report(
            "results/perovskites/references.csv",
            category="Perovskites: data",
            caption="../report/perovskites_references.rst",
        ),
        quality=report(
            "results/perovskites/quality.csv",
            category="Perovskites: data",
            caption="../report/perovskites_quality.rst",
        ),
        ions="results/perovskites/ions.csv",
    log:
        "results/logs/perovskites/load_perovskites.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        mirror=CONFIG.mirror,
        code=code("load_perovskites"),
    script:
        "../../scripts/load_perovskites.py"


rule evaluate_perovskites:
    input:
        compounds=rules.load_perovskites.output.compounds,
        references=rules.load_perovskites.output.references,
        ions=rules.load_perovskites.output.ions,
        runs="results/perovskites/runs.parquet",
    output:
        metrics="results/perovskites/labels/{label}/metrics.csv",
        predictions="results/perovskites/labels/{label}/predictions.parquet",
    log:
        "results/logs/perovskites/evaluate_perovskites/{label}.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(60),
    params:
        config=evaluation_settings(CONFIG),
        seed=leaf(CONFIG, "seed"),
        code=code("evaluate_perovskites"),
    script:
        "../../scripts/evaluate_perovskites.py"


rule gather_perovskites:
    input:
        metrics=expand(
            rules.evaluate_perovskites.output.metrics, label=PEROVSKITE_LABELS
        ),
        predictions=expand(
            rules.evaluate_perovskites.output.predictions, label=PEROVSKITE_LABELS
        ),
    output:
        metrics=report(
            "results/perovskites/metrics.csv",
            category="Perovskites: models",
            caption="../report/perovskites_metrics.rst",
        ),
        predictions="results/perovskites/predictions.parquet",
    log:
        "results/logs/perovskites/gather_perovskites.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        code=code("gather_perovskites"),
    script:
        "../../scripts/gather_perovskites.py"


rule measure_fidelity:
    input:
        compounds=rules.load_perovskites.output.compounds,
        references=rules.load_perovskites.output.references,
        ions=rules.load_perovskites.output.ions,
    output:
        "results/perovskites/fidelity.csv",
    log:
        "results/logs/perovskites/measure_fidelity.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(60),
    params:
        config=leaf(CONFIG, "perovskites", "fidelity"),
        seed=leaf(CONFIG, "seed"),
        code=code("measure_fidelity"),
    script:
        "../../scripts/measure_fidelity.py"


rule screen_perovskites:
    input:
        compounds=rules.load_perovskites.output.compounds,
        references=rules.load_perovskites.output.references,
        ions=rules.load_perovskites.output.ions,
    output:
        screened="results/perovskites/screened.parquet",
        passed=report(
            "results/perovskites/screened.csv",
            category="Perovskites: screen",
            caption="../report/perovskites_screened.rst",
        ),
        funnel="results/perovskites/funnel.csv",
    log:
        "results/logs/perovskites/screen_perovskites.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1500),
        runtime=doubled(30),
    params:
        config=screen_settings(CONFIG),
        seed=leaf(CONFIG, "seed"),
        code=code("screen_perovskites"),
    script:
        "../../scripts/screen_perovskites.py"


rule plot_perovskite_errors:
    input:
        metrics=rules.gather_perovskites.output.metrics,
    output:
        report(
            "results/perovskites/figures/errors.png",
            category="Perovskites: models",
            caption="../report/perovskites_errors.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_errors.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_perovskite_errors"),
    script:
        "../../scripts/plot_perovskite_errors.py"


rule plot_perovskite_parity:
    input:
        predictions=rules.gather_perovskites.output.predictions,
    output:
        report(
            "results/perovskites/figures/parity.png",
            category="Perovskites: models",
            caption="../report/perovskites_parity.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_parity.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_perovskite_parity"),
    script:
        "../../scripts/plot_perovskite_parity.py"


rule plot_perovskite_references:
    input:
        references=rules.load_perovskites.output.references,
    output:
        report(
            "results/perovskites/figures/references.png",
            category="Perovskites: data",
            caption="../report/perovskites_references_figure.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_references.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_perovskite_references"),
    script:
        "../../scripts/plot_perovskite_references.py"


rule plot_perovskite_fidelity:
    input:
        fidelity=rules.measure_fidelity.output[0],
    output:
        report(
            "results/perovskites/figures/fidelity.png",
            category="Perovskites: models",
            caption="../report/perovskites_fidelity.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_fidelity.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_perovskite_fidelity"),
    script:
        "../../scripts/plot_perovskite_fidelity.py"


rule plot_perovskite_screen:
    input:
        screened=rules.screen_perovskites.output.screened,
        funnel=rules.screen_perovskites.output.funnel,
    output:
        funnel=report(
            "results/perovskites/figures/funnel.png",
            category="Perovskites: screen",
            caption="../report/perovskites_funnel.rst",
        ),
        gap=report(
            "results/perovskites/figures/gap.png",
            category="Perovskites: screen",
            caption="../report/perovskites_gap.rst",
        ),
        stability=report(
            "results/perovskites/figures/stability.png",
            category="Perovskites: screen",
            caption="../report/perovskites_stability.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_screen.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1000),
        runtime=doubled(10),
    params:
        config=leaf(CONFIG, "perovskites", "screen"),
        code=code("plot_perovskite_screen"),
    script:
        "../../scripts/plot_perovskite_screen.py"


rule score_perovskites:
    input:
        metrics=rules.gather_perovskites.output.metrics,
        quality=rules.load_perovskites.output.quality,
        references=rules.load_perovskites.output.references,
        funnel=rules.screen_perovskites.output.funnel,
        runs=rules.gather_runs.output.table,
        parity=rules.compare_runs.output.parity,
        excesses=rules.compare_runs.output.excesses,
        decomposition=rules.compare_cells.output.decomposition,
        films=rules.measure_slme.output[0],
    output:
        "results/perovskites/scorecard.csv",
    log:
        "results/logs/perovskites/score_perovskites.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        code=code("score_perovskites"),
    script:
        "../../scripts/score_perovskites.py"
