# 4D-STEM: scans of each sample, networks that do not see rotations, scores.


use rule step as gather_stem4d_scans with:
    input:
        computed_chunks(CONFIG, "stem4d"),
    output:
        table="results/stem4d/scans.parquet",
        arrays="results/stem4d/scans.h5",
    log:
        "results/logs/stem4d/gather_stem4d_scans.log",
    resources:
        **need(mb=1500, minutes=20),
    params:
        **step("defectra.campaign.steps.gather_arrays"),
        study="stem4d",
        kind="stem4d_scan",
        config=part_for(CONFIG, "stem4d"),
        study_code=fingerprint(requests_module("stem4d")),


use rule step as learn_symmetry with:
    input:
        scans=rules.gather_stem4d_scans.output.table,
        arrays=rules.gather_stem4d_scans.output.arrays,
    output:
        latents="results/stem4d/symmetry.parquet",
        metrics="results/stem4d/symmetry.csv",
        graphene="results/stem4d/models/graphene.safetensors",
        gallium_arsenide="results/stem4d/models/gallium_arsenide.safetensors",
    log:
        "results/logs/stem4d/learn_symmetry.log",
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.stem4d.steps.learn_symmetry"),
        config=leaf(CONFIG, "stem4d", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


use rule step as learn_vacancies with:
    input:
        scans=rules.gather_stem4d_scans.output.table,
        arrays=rules.gather_stem4d_scans.output.arrays,
    output:
        latents="results/stem4d/vacancies.parquet",
        metrics="results/stem4d/vacancies.csv",
        model="results/stem4d/models/vacancies.safetensors",
    log:
        "results/logs/stem4d/learn_vacancies.log",
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.stem4d.steps.learn_vacancies"),
        config=leaf(CONFIG, "stem4d"),
        seed=leaf(CONFIG, "seed"),


use rule step as gather_stem4d with:
    input:
        rules.learn_symmetry.output.metrics,
        rules.learn_vacancies.output.metrics,
    output:
        report(
            "results/stem4d/metrics.csv",
            category="4D-STEM",
            caption="captions/metrics.rst",
        ),
    log:
        "results/logs/stem4d/gather_stem4d.log",
    localrule: True
    params:
        **step("defectra.campaign.steps.join_metrics"),


use rule step as score_stem4d with:
    input:
        metrics=rules.gather_stem4d.output[0],
    output:
        scorecard="results/stem4d/scorecard.csv",
        checks="results/stem4d/checks.csv",
    log:
        "results/logs/stem4d/score_stem4d.log",
    localrule: True
    params:
        **step("defectra.studies.stem4d.steps.score_stem4d"),
        config=leaf(CONFIG, "stem4d", without=["bootstrap"]),


use rule step as plot_stem4d with:
    input:
        latents=rules.learn_symmetry.output.latents,
        metrics=rules.gather_stem4d.output[0],
    output:
        latents=report(
            "results/stem4d/figures/latents.png",
            category="4D-STEM",
            caption="captions/latents.rst",
        ),
        vacancies=report(
            "results/stem4d/figures/vacancies.png",
            category="4D-STEM",
            caption="captions/vacancies.rst",
        ),
    log:
        "results/logs/stem4d/plot_stem4d.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.stem4d.steps.plot_stem4d"),
        config=leaf(CONFIG, "stem4d", without=["bootstrap"]),


rule stem4d:
    input:
        rules.score_stem4d.output,
        rules.gather_stem4d.output,
        rules.plot_stem4d.output,
    localrule: True
