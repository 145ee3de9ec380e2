# Ensembles that segment melting ice: movies simulated, networks trained once for each seed.


use rule step as gather_segmentation with:
    input:
        computed_chunks(CONFIG, "segmentation"),
    output:
        table="results/segmentation/movies.parquet",
        arrays="results/segmentation/movies.h5",
    log:
        "results/logs/segmentation/gather_segmentation.log",
    localrule: True
    params:
        **step("defectra.campaign.steps.gather_arrays"),
        study="segmentation",
        kind="movie",
        config=part_for(CONFIG, "segmentation"),
        study_code=code_of(requests_module("segmentation")),


use rule step as train_segmentation with:
    input:
        movies=rules.gather_segmentation.output.table,
        arrays=rules.gather_segmentation.output.arrays,
    output:
        members="results/segmentation/seeds/{number}.npz",
        costs="results/segmentation/seeds/{number}.csv",
        network="results/segmentation/seeds/{number}.safetensors",
    log:
        "results/logs/segmentation/train_segmentation_{number}.log",
    wildcard_constraints:
        number=r"\d+",
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.segmentation.steps.train_segmentation"),
        config=leaf(CONFIG, "segmentation", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


# The first seed: another one is another ensemble, and nothing is chosen on test frames.
use rule step as save_segmentation with:
    input:
        movies=rules.gather_segmentation.output.table,
        arrays=rules.gather_segmentation.output.arrays,
        members="results/segmentation/seeds/0.npz",
        network="results/segmentation/seeds/0.safetensors",
    output:
        model="results/segmentation/models/ice.safetensors",
        table=report(
            "results/segmentation/model.csv",
            category="Segmentation",
            caption="captions/model.rst",
        ),
    log:
        "results/logs/segmentation/save_segmentation.log",
    resources:
        **need(mb=1500, minutes=10),
    params:
        **step("defectra.studies.segmentation.steps.save_segmentation"),
        config=leaf(CONFIG, "segmentation"),


use rule step as evaluate_segmentation with:
    input:
        movies=rules.gather_segmentation.output.table,
        arrays=rules.gather_segmentation.output.arrays,
        members=expand(
            "results/segmentation/seeds/{number}.npz",
            number=range(CONFIG.segmentation.seeds),
        ),
        costs=expand(
            "results/segmentation/seeds/{number}.csv",
            number=range(CONFIG.segmentation.seeds),
        ),
    output:
        metrics=report(
            "results/segmentation/metrics.csv",
            category="Segmentation",
            caption="captions/metrics.rst",
        ),
        quality=report(
            "results/segmentation/quality.csv",
            category="Segmentation",
            caption="captions/quality.rst",
        ),
        fractions="results/segmentation/fractions.csv",
        costs="results/segmentation/costs.csv",
        examples="results/segmentation/examples.npz",
    log:
        "results/logs/segmentation/evaluate_segmentation.log",
    resources:
        **need(mb=1500, minutes=20),
    params:
        **step("defectra.studies.segmentation.steps.evaluate_segmentation"),
        config=leaf(CONFIG, "segmentation", without=["bootstrap"]),


use rule step as score_segmentation with:
    input:
        metrics=rules.evaluate_segmentation.output.metrics,
        quality=rules.evaluate_segmentation.output.quality,
        costs=rules.evaluate_segmentation.output.costs,
        model=rules.save_segmentation.output.table,
    output:
        scorecard="results/segmentation/scorecard.csv",
        checks="results/segmentation/checks.csv",
    log:
        "results/logs/segmentation/score_segmentation.log",
    localrule: True
    params:
        **step("defectra.studies.segmentation.steps.score_segmentation"),
        config=leaf(CONFIG, "segmentation"),


use rule step as plot_segmentation_scores with:
    input:
        metrics=rules.evaluate_segmentation.output.metrics,
    output:
        report(
            "results/segmentation/figures/scores.png",
            category="Segmentation",
            caption="captions/scores.rst",
        ),
    log:
        "results/logs/segmentation/plot_segmentation_scores.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.segmentation.steps.plot_segmentation_scores"),


use rule step as plot_segmentation_frames with:
    input:
        examples=rules.evaluate_segmentation.output.examples,
        fractions=rules.evaluate_segmentation.output.fractions,
    output:
        frames=report(
            "results/segmentation/figures/frames.png",
            category="Segmentation",
            caption="captions/frames.rst",
        ),
        fractions=report(
            "results/segmentation/figures/fractions.png",
            category="Segmentation",
            caption="captions/fractions.rst",
        ),
    log:
        "results/logs/segmentation/plot_segmentation_frames.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.segmentation.steps.plot_segmentation_frames"),


rule segmentation:
    input:
        rules.score_segmentation.output,
        rules.save_segmentation.output,
        "results/segmentation/metrics.csv",
        expand(
            "results/segmentation/figures/{figure}.png",
            figure=["scores", "frames", "fractions"],
        ),
    localrule: True
