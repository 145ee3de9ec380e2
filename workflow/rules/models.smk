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
        study="results/nmc/scorecard.csv",
        all=report(
            "results/scorecard.csv",
            category="Scorecard",
            caption="../report/scorecard.rst",
        ),
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
