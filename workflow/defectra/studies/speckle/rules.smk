# Number of disks from one coherent speckle pattern (arXiv:2211.08194).

from defectra.campaign.studies import part_for, requests_module
from defectra.core.datasets import needs_if_named
from defectra.studies.speckle import author_files as speckle_files

SPECKLE_KINDS = ["equal", "unequal"]
SPECKLE_MODELS = "results/speckle/models/{kind}_"


use rule step as gather_speckle_patterns with:
    input:
        computed_chunks(CONFIG, "speckle"),
    output:
        table="results/speckle/patterns.parquet",
        arrays="results/speckle/patterns.h5",
    log:
        "results/logs/speckle/gather_patterns.log",
    resources:
        **need(mb=1500, minutes=20),
    params:
        **step("defectra.campaign.steps.gather_arrays"),
        study="speckle",
        kind="pattern",
        config=part_for(CONFIG, "speckle"),
        study_code=fingerprint(requests_module("speckle")),


use rule step as gather_speckle_rings with:
    input:
        computed_chunks(CONFIG, "speckle"),
    output:
        table="results/speckle/rings.parquet",
        arrays="results/speckle/rings.h5",
    log:
        "results/logs/speckle/gather_rings.log",
    resources:
        **need(mb=1500, minutes=10),
    params:
        **step("defectra.campaign.steps.gather_arrays"),
        study="speckle",
        kind="rings",
        config=part_for(CONFIG, "speckle"),
        study_code=fingerprint(requests_module("speckle")),


use rule step as learn_speckle with:
    input:
        table=rules.gather_speckle_patterns.output.table,
        arrays=rules.gather_speckle_patterns.output.arrays,
    output:
        predictions="results/speckle/predictions_{kind}.parquet",
        history="results/speckle/history_{kind}.csv",
        network=f"{SPECKLE_MODELS}network_physical_inputs.safetensors",
        photons=f"{SPECKLE_MODELS}network_physical_inputs_trained_with_photons.safetensors",
        image=f"{SPECKLE_MODELS}network_image.safetensors",
    log:
        "results/logs/speckle/learn_{kind}.log",
    wildcard_constraints:
        kind="|".join(SPECKLE_KINDS),
    resources:
        **need(mb=3000, minutes=60),
    params:
        **step("defectra.studies.speckle.steps.learn_speckle"),
        config=leaf(CONFIG, "speckle", without=["bootstrap"]),
        seed=leaf(CONFIG, "seed"),


use rule step as look_speckle with:
    input:
        table=rules.gather_speckle_patterns.output.table,
        arrays=rules.gather_speckle_patterns.output.arrays,
        network=rules.learn_speckle.output.network,
        image=rules.learn_speckle.output.image,
    output:
        rings="results/speckle/saliency_rings_{kind}.csv",
        blocks="results/speckle/saliency_blocks_{kind}.csv",
    log:
        "results/logs/speckle/look_{kind}.log",
    wildcard_constraints:
        kind="|".join(SPECKLE_KINDS),
    resources:
        **need(mb=2000, minutes=20),
    params:
        **step("defectra.studies.speckle.steps.look_speckle"),


use rule step as compare_speckle with:
    input:
        table=rules.gather_speckle_rings.output.table,
        arrays=rules.gather_speckle_rings.output.arrays,
        networks=expand(rules.learn_speckle.output[2:], kind="equal"),
        moments=needs_if_named([speckle_files.MOMENTS], CONFIG.mirror),
        each=needs_if_named([speckle_files.EACH], CONFIG.mirror),
        patterns=needs_if_named(speckle_files.PATTERNS, CONFIG.mirror),
    output:
        moments=report(
            "results/speckle/moments.csv",
            category="Speckle: patterns",
            caption="captions/moments_table.rst",
        ),
        fidelity="results/speckle/fidelity.csv",
        answers=report(
            "results/speckle/answers.csv",
            category="Speckle: patterns",
            caption="captions/answers.rst",
        ),
        profiles="results/speckle/profiles.npz",
    log:
        "results/logs/speckle/compare.log",
    resources:
        **need(mb=1500, minutes=10),
    params:
        **step("defectra.studies.speckle.steps.compare_speckle"),
        config=leaf(CONFIG, "speckle", without=["bootstrap"]),
        mirror=CONFIG.mirror,


use rule step as score_speckle with:
    input:
        predictions=expand(rules.learn_speckle.output.predictions, kind=SPECKLE_KINDS),
        history=expand(rules.learn_speckle.output.history, kind=SPECKLE_KINDS),
        moments=rules.compare_speckle.output.moments,
        fidelity=rules.compare_speckle.output.fidelity,
        answers=rules.compare_speckle.output.answers,
    output:
        metrics=report(
            "results/speckle/metrics.csv",
            category="Speckle: models",
            caption="captions/metrics.rst",
        ),
        confusion="results/speckle/confusion.csv",
        scorecard="results/speckle/scorecard.csv",
        checks="results/speckle/checks.csv",
    log:
        "results/logs/speckle/score.log",
    localrule: True
    resources:
        **need(mb=1500, minutes=10),
    params:
        **step("defectra.studies.speckle.steps.score_speckle"),
        config=leaf(CONFIG, "speckle"),
        seed=leaf(CONFIG, "seed"),


use rule step as plot_speckle_patterns with:
    input:
        table=rules.gather_speckle_patterns.output.table,
        arrays=rules.gather_speckle_patterns.output.arrays,
        moments=rules.compare_speckle.output.moments,
        profiles=rules.compare_speckle.output.profiles,
        patterns=needs_if_named(speckle_files.PATTERNS, CONFIG.mirror),
    output:
        patterns=report(
            "results/speckle/figures/patterns.png",
            category="Speckle: patterns",
            caption="captions/patterns.rst",
        ),
        moments=report(
            "results/speckle/figures/moments.png",
            category="Speckle: patterns",
            caption="captions/moments.rst",
        ),
        profiles=report(
            "results/speckle/figures/profiles.png",
            category="Speckle: patterns",
            caption="captions/profiles.rst",
        ),
    log:
        "results/logs/speckle/plot_patterns.log",
    localrule: True
    resources:
        **need(mb=1000, minutes=10),
    params:
        **step("defectra.studies.speckle.plots.plot_speckle_patterns"),
        config=leaf(CONFIG, "speckle", without=["bootstrap"]),


use rule step as plot_speckle_models with:
    input:
        metrics=rules.score_speckle.output.metrics,
        confusion=rules.score_speckle.output.confusion,
        rings=expand(rules.look_speckle.output.rings, kind=SPECKLE_KINDS),
        blocks=expand(rules.look_speckle.output.blocks, kind=SPECKLE_KINDS),
    output:
        accuracy=report(
            "results/speckle/figures/accuracy.png",
            category="Speckle: models",
            caption="captions/accuracy.rst",
        ),
        confusion=report(
            "results/speckle/figures/confusion.png",
            category="Speckle: models",
            caption="captions/confusion.rst",
        ),
        photons=report(
            "results/speckle/figures/photons.png",
            category="Speckle: models",
            caption="captions/photons.rst",
        ),
        saliency=report(
            "results/speckle/figures/saliency.png",
            category="Speckle: models",
            caption="captions/saliency.rst",
        ),
    log:
        "results/logs/speckle/plot_models.log",
    localrule: True
    resources:
        **need(mb=1000, minutes=10),
    params:
        **step("defectra.studies.speckle.plots.plot_speckle_models"),


rule speckle:
    input:
        rules.score_speckle.output,
        rules.plot_speckle_patterns.output,
        rules.plot_speckle_models.output,
    localrule: True
