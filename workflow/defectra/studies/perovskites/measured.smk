# Measured gaps: the step from calculations to them, its scores, its figures.


use rule step as learn_measured with:
    input:
        compounds="results/perovskites/compounds.parquet",
        ions="results/perovskites/ions.csv",
        runs="results/perovskites/runs.parquet",
        predictions="results/perovskites/predictions.parquet",
    output:
        ladder=report(
            "results/perovskites/ladder.csv",
            category="Perovskites: measured gaps",
            caption="captions/ladder.rst",
        ),
        metrics=report(
            "results/perovskites/measured_metrics.csv",
            category="Perovskites: measured gaps",
            caption="captions/measured_metrics.rst",
        ),
    log:
        "results/logs/perovskites/learn_measured.log",
    resources:
        **need(mb=800, minutes=20),
    params:
        **step("defectra.studies.perovskites.steps_measured.learn_measured"),
        **project_files(readings=CONFIG.perovskites.measured_gaps),
        bootstrap=leaf(CONFIG, "perovskites", "bootstrap"),
        seed=leaf(CONFIG, "seed"),


use rule step as plot_perovskite_ladder with:
    input:
        ladder=rules.learn_measured.output.ladder,
    output:
        report(
            "results/perovskites/figures/ladder.png",
            category="Perovskites: measured gaps",
            caption="captions/ladder_figure.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_ladder.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.steps_measured.plot_perovskite_ladder"),


use rule step as plot_perovskite_coverage with:
    input:
        metrics="results/perovskites/metrics.csv",
        measured=rules.learn_measured.output.metrics,
    output:
        report(
            "results/perovskites/figures/coverage.png",
            category="Perovskites: measured gaps",
            caption="captions/coverage.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_coverage.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.steps_measured.plot_perovskite_coverage"),
