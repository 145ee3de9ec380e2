# Bicrystals registered in micrographs: synthetic ones blindly, the two published CdTe images.
from defectra.core.datasets import needs_all
from defectra.studies.registration.micrographs import published_files

# Without the mirror the blind recovery is made, and the rest says what is missing.
MICROGRAPHS = published_files() if CONFIG.mirror else []


use rule step as gather_registration with:
    input:
        computed_chunks(CONFIG, "registration"),
    output:
        table="results/registration/images.parquet",
        arrays="results/registration/images.h5",
    log:
        "results/logs/registration/gather_registration.log",
    localrule: True
    params:
        **step("defectra.campaign.steps.gather_arrays"),
        study="registration",
        kind="image",
        config=part_for(CONFIG, "registration"),
        study_code=fingerprint(requests_module("registration")),


use rule step as recover_registration with:
    input:
        images=rules.gather_registration.output.table,
        arrays=rules.gather_registration.output.arrays,
    output:
        recovered=report(
            "results/registration/recovered.csv",
            category="Registration",
            caption="captions/recovered.rst",
        ),
        refusals=report(
            "results/registration/refusals.csv",
            category="Registration",
            caption="captions/refusals.rst",
        ),
    log:
        "results/logs/registration/recover_registration.log",
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.registration.steps.recover_registration"),
        config=leaf(CONFIG, "registration"),
        seed=leaf(CONFIG, "seed"),


use rule step as register_micrographs with:
    input:
        files=needs_all(MICROGRAPHS, CONFIG.mirror),
    output:
        fits=report(
            "results/registration/fits.csv",
            category="Registration",
            caption="captions/fits.rst",
        ),
        trace="results/registration/objective.csv",
        missing="results/registration/missing.csv",
        frames="results/registration/frames.npz",
    log:
        "results/logs/registration/register_micrographs.log",
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.registration.steps.register_micrographs"),
        config=leaf(CONFIG, "registration"),
        mirror=CONFIG.mirror,


use rule step as save_registration_models with:
    output:
        twin="results/registration/models/twin.npz",
        tilt="results/registration/models/tilt.npz",
    log:
        "results/logs/registration/save_registration_models.log",
    localrule: True
    params:
        **step("defectra.studies.registration.steps.save_registration_models"),


use rule step as score_registration with:
    input:
        recovered=rules.recover_registration.output.recovered,
        refusals=rules.recover_registration.output.refusals,
        fits=rules.register_micrographs.output.fits,
        missing=rules.register_micrographs.output.missing,
    output:
        scorecard="results/registration/scorecard.csv",
        checks="results/registration/checks.csv",
    log:
        "results/logs/registration/score_registration.log",
    localrule: True
    params:
        **step("defectra.studies.registration.steps.score_registration"),


use rule step as plot_registration_recovery with:
    input:
        recovered=rules.recover_registration.output.recovered,
        refusals=rules.recover_registration.output.refusals,
    output:
        report(
            "results/registration/figures/recovery.png",
            category="Registration",
            caption="captions/recovery.rst",
        ),
    log:
        "results/logs/registration/plot_registration_recovery.log",
    localrule: True
    params:
        **step("defectra.studies.registration.steps.plot_registration_recovery"),
        config=leaf(CONFIG, "registration"),


use rule step as plot_registration_frames with:
    input:
        frames=rules.register_micrographs.output.frames,
        trace=rules.register_micrographs.output.trace,
        missing=rules.register_micrographs.output.missing,
    output:
        frames=report(
            "results/registration/figures/frames.png",
            category="Registration",
            caption="captions/frames.rst",
        ),
        objective=report(
            "results/registration/figures/objective.png",
            category="Registration",
            caption="captions/objective.rst",
        ),
    log:
        "results/logs/registration/plot_registration_frames.log",
    localrule: True
    params:
        **step("defectra.studies.registration.steps.plot_registration_frames"),


rule registration:
    input:
        rules.score_registration.output,
        rules.save_registration_models.output,
        rules.recover_registration.output,
        rules.register_micrographs.output,
        "results/registration/figures/recovery.png",
        rules.plot_registration_frames.output,
    localrule: True
