# Laws of motion from coherent scattering: series of patterns, fits of each system, scores.

DYNAMICS = ["kuramoto", "swarm", "source", "scan"]


use rule step as gather_dynamics_series with:
    input:
        computed_chunks(CONFIG, "dynamics"),
    output:
        table="results/dynamics/series.parquet",
        arrays="results/dynamics/series.h5",
    log:
        "results/logs/dynamics/gather_dynamics_series.log",
    resources:
        **need(mb=1500, minutes=20),
    params:
        **step("defectra.campaign.steps.gather_arrays"),
        study="dynamics",
        kind="dynamics_series",
        config=part_for(CONFIG, "dynamics"),
        study_code=fingerprint(requests_module("dynamics")),


use rule step as fit_kuramoto with:
    input:
        series=rules.gather_dynamics_series.output.table,
        arrays=rules.gather_dynamics_series.output.arrays,
    output:
        fits="results/dynamics/kuramoto.parquet",
        metrics="results/dynamics/kuramoto.csv",
        model="results/dynamics/models/kuramoto.npz",
    log:
        "results/logs/dynamics/fit_kuramoto.log",
    resources:
        **need(mb=2500, minutes=60),
    params:
        **step("defectra.studies.dynamics.steps.fit_kuramoto"),
        config=leaf(CONFIG, "dynamics"),
        seed=leaf(CONFIG, "seed"),


use rule step as fit_swarm with:
    input:
        series=rules.gather_dynamics_series.output.table,
        arrays=rules.gather_dynamics_series.output.arrays,
    output:
        fits="results/dynamics/swarm.parquet",
        metrics="results/dynamics/swarm.csv",
        model="results/dynamics/models/swarm.npz",
    log:
        "results/logs/dynamics/fit_swarm.log",
    resources:
        **need(mb=2500, minutes=60),
    params:
        **step("defectra.studies.dynamics.steps.fit_swarm"),
        config=leaf(CONFIG, "dynamics", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


use rule step as fit_source with:
    input:
        series=rules.gather_dynamics_series.output.table,
        arrays=rules.gather_dynamics_series.output.arrays,
    output:
        fits="results/dynamics/source.parquet",
        metrics="results/dynamics/source.csv",
        model="results/dynamics/models/source.npz",
    log:
        "results/logs/dynamics/fit_source.log",
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.dynamics.steps.fit_source"),
        config=leaf(CONFIG, "dynamics", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


use rule step as fit_scan with:
    input:
        series=rules.gather_dynamics_series.output.table,
        arrays=rules.gather_dynamics_series.output.arrays,
    output:
        fits="results/dynamics/scan.parquet",
        metrics="results/dynamics/scan.csv",
        model="results/dynamics/models/scan.npz",
    log:
        "results/logs/dynamics/fit_scan.log",
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.dynamics.steps.fit_scan"),
        config=leaf(CONFIG, "dynamics", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


use rule step as gather_dynamics with:
    input:
        expand("results/dynamics/{system}.csv", system=DYNAMICS),
    output:
        report(
            "results/dynamics/metrics.csv",
            category="Dynamics: scores",
            caption="captions/metrics.rst",
        ),
    log:
        "results/logs/dynamics/gather_dynamics.log",
    localrule: True
    params:
        **step("defectra.campaign.steps.join_metrics"),


use rule step as score_dynamics with:
    input:
        metrics=rules.gather_dynamics.output[0],
    output:
        scorecard="results/dynamics/scorecard.csv",
        checks="results/dynamics/checks.csv",
    log:
        "results/logs/dynamics/score_dynamics.log",
    localrule: True
    params:
        **step("defectra.studies.dynamics.steps.score_dynamics"),
        config=leaf(CONFIG, "dynamics", without=["bootstrap"]),


use rule step as plot_dynamics with:
    input:
        series=rules.gather_dynamics_series.output.table,
        arrays=rules.gather_dynamics_series.output.arrays,
        fits=expand("results/dynamics/{system}.parquet", system=DYNAMICS),
        metrics=rules.gather_dynamics.output[0],
    output:
        patterns=report(
            "results/dynamics/figures/patterns.png",
            category="Dynamics: patterns",
            caption="captions/patterns.rst",
        ),
        laws=report(
            "results/dynamics/figures/laws.png",
            category="Dynamics: laws",
            caption="captions/laws.rst",
        ),
        counts=report(
            "results/dynamics/figures/counts.png",
            category="Dynamics: scores",
            caption="captions/counts.rst",
        ),
    log:
        "results/logs/dynamics/plot_dynamics.log",
    localrule: True
    resources:
        **need(mb=1000, minutes=10),
    params:
        **step("defectra.studies.dynamics.plots.plot_dynamics"),
        config=leaf(CONFIG, "dynamics", without=["bootstrap"]),


rule dynamics:
    input:
        rules.score_dynamics.output,
        rules.gather_dynamics.output,
        rules.plot_dynamics.output,
    localrule: True
