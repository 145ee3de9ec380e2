# Diffraction patterns of ThMn12-type alloys in a plane (doi 10.1002/adts.202200613).

from defectra.campaign.studies import part_for, requests_module

XRD_CONTENTS = ["titanium", "zirconium"]


use rule step as gather_xrd with:
    input:
        computed_chunks(CONFIG, "xrd"),
    output:
        table="results/xrd/patterns.parquet",
        arrays="results/xrd/patterns.h5",
    log:
        "results/logs/xrd/gather.log",
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.campaign.steps.gather_arrays"),
        study="xrd",
        kind="pattern",
        config=part_for(CONFIG, "xrd"),
        study_code=fingerprint(requests_module("xrd")),


use rule step as leave_out_xrd with:
    input:
        table=rules.gather_xrd.output.table,
        arrays=rules.gather_xrd.output.arrays,
    output:
        "results/xrd/predictions_{content}.parquet",
    log:
        "results/logs/xrd/leave_out_{content}.log",
    wildcard_constraints:
        content="|".join(XRD_CONTENTS),
    resources:
        **need(mb=1500, minutes=60),
    params:
        **step("defectra.studies.xrd.steps.leave_out_xrd"),
        config=leaf(CONFIG, "xrd", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


use rule step as score_xrd_metrics with:
    input:
        expand(rules.leave_out_xrd.output, content=XRD_CONTENTS),
    output:
        report(
            "results/xrd/metrics.csv",
            category="Diffraction: contents",
            caption="captions/metrics.rst",
        ),
    log:
        "results/logs/xrd/metrics.log",
    localrule: True
    params:
        **step("defectra.studies.xrd.steps.score_xrd_metrics"),
        config=leaf(CONFIG, "xrd"),
        seed=leaf(CONFIG, "seed"),


use rule step as look_xrd with:
    input:
        table=rules.gather_xrd.output.table,
        arrays=rules.gather_xrd.output.arrays,
        metrics=rules.score_xrd_metrics.output[0],
    output:
        model="results/xrd/models/autoencoder.safetensors",
        points="results/xrd/points.csv",
        relevance=report(
            "results/xrd/relevance.csv",
            category="Diffraction: reflections",
            caption="captions/relevance_table.rst",
        ),
        control="results/xrd/control.csv",
        interpolation="results/xrd/interpolation.csv",
    log:
        "results/logs/xrd/look.log",
    resources:
        **need(mb=1500, minutes=20),
    params:
        **step("defectra.studies.xrd.steps.look_xrd"),
        config=leaf(CONFIG, "xrd", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


use rule step as score_xrd with:
    input:
        metrics=rules.score_xrd_metrics.output[0],
        relevance=rules.look_xrd.output.relevance,
        control=rules.look_xrd.output.control,
        interpolation=rules.look_xrd.output.interpolation,
    output:
        scorecard="results/xrd/scorecard.csv",
        checks="results/xrd/checks.csv",
    log:
        "results/logs/xrd/score.log",
    localrule: True
    params:
        **step("defectra.studies.xrd.steps.score_xrd"),
        config=leaf(CONFIG, "xrd", without=["bootstrap"]),


use rule step as plot_xrd with:
    input:
        table=rules.gather_xrd.output.table,
        arrays=rules.gather_xrd.output.arrays,
        predictions=expand(rules.leave_out_xrd.output, content=XRD_CONTENTS),
        metrics=rules.score_xrd_metrics.output[0],
        points=rules.look_xrd.output.points,
        relevance=rules.look_xrd.output.relevance,
        interpolation=rules.look_xrd.output.interpolation,
    output:
        patterns=report(
            "results/xrd/figures/patterns.png",
            category="Diffraction: contents",
            caption="captions/patterns.rst",
        ),
        plane=report(
            "results/xrd/figures/plane.png",
            category="Diffraction: contents",
            caption="captions/plane.rst",
        ),
        contents=report(
            "results/xrd/figures/contents.png",
            category="Diffraction: contents",
            caption="captions/contents.rst",
        ),
        relevance=report(
            "results/xrd/figures/relevance.png",
            category="Diffraction: reflections",
            caption="captions/relevance.rst",
        ),
        interpolation=report(
            "results/xrd/figures/interpolation.png",
            category="Diffraction: contents",
            caption="captions/interpolation.rst",
        ),
    log:
        "results/logs/xrd/plot.log",
    localrule: True
    resources:
        **need(mb=1000, minutes=10),
    params:
        **step("defectra.studies.xrd.plots.plot_xrd"),
        config=leaf(CONFIG, "xrd", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


rule xrd:
    input:
        rules.score_xrd.output,
        rules.plot_xrd.output,
    localrule: True
