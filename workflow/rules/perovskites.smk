# Halide perovskites: published tables, models, learning curves, the screen. Calculations of our
# own (equation of state, gaps, decomposition, vacancies) will come before `load_perovskites`.

from defectra.leaves import evaluation_settings
from defectra.perovskites.problems import TARGETS as PEROVSKITE_LABELS

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
        mem_mb=800,
        runtime=10,
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
    output:
        metrics="results/perovskites/labels/{label}/metrics.csv",
        predictions="results/perovskites/labels/{label}/predictions.parquet",
    log:
        "results/logs/perovskites/evaluate_perovskites/{label}.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=800,
        runtime=60,
    params:
        config=evaluation_settings(CONFIG),
        seed=leaf(CONFIG, "seed"),
        code=code("evaluate_perovskites"),
    script:
        "../../scripts/evaluate_perovskites.py"


rule gather_perovskites:
    input:
        metrics=expand(rules.evaluate_perovskites.output.metrics, label=PEROVSKITE_LABELS),
        predictions=expand(rules.evaluate_perovskites.output.predictions, label=PEROVSKITE_LABELS),
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
        mem_mb=500,
        runtime=10,
    params:
        code=code("gather_perovskites"),
    script:
        "../../scripts/gather_perovskites.py"
