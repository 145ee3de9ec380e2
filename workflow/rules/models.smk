# Models and their scores beside the published ones.


rule evaluate:
    input:
        training=rules.build_training.output.training,
    output:
        metrics=report(
            "results/nmc/metrics.csv",
            category="Models",
            caption="../report/metrics.rst",
        ),
        predictions="results/nmc/predictions.parquet",
    log:
        "results/logs/nmc/evaluate.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1500),
        runtime=doubled(60),
    params:
        config=leaf(CONFIG, "nmc", "model"),
        seed=leaf(CONFIG, "seed"),
        code=code("evaluate"),
    script:
        "../../scripts/evaluate.py"


rule score:
    input:
        metrics=rules.evaluate.output.metrics,
        lithium=rules.measure_lithium.output[0],
        drift=rules.drift.output[0],
    output:
        "results/nmc/scorecard.csv",
    log:
        "results/logs/nmc/score.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        code=code("score"),
    script:
        "../../scripts/score.py"


rule collect_scores:
    input:
        expand("results/{study}/scorecard.csv", study=CONFIG.studies),
    output:
        report(
            "results/scorecard.csv",
            category="Scorecard",
            caption="../report/scorecard.rst",
        ),
    log:
        "results/logs/collect_scores.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        code=code("collect_scores"),
    script:
        "../../scripts/collect_scores.py"
