# Halide perovskites: published tables, models, learning curves, the screen.


include: "calculations.smk"
include: "measured.smk"
include: "light.smk"


from defectra.studies.perovskites.parameters import evaluation_settings, screen_settings
from defectra.studies.perovskites.problems import TARGETS as PEROVSKITE_LABELS

PEROVSKITE_FILES = {
    "main": "perovskites/perovs_ml/Data.csv",
    "defects": "perovskites/perovs_ml/Defect_data.csv",
    "pbe": "perovskites/halide_perovs_design/PBE_data.csv",
    "hse": "perovskites/halide_perovs_design/HSE_data.csv",
    "elements": "perovskites/halide_perovs_design/Tabulated_elemental_properties.xlsx",
}


wildcard_constraints:
    label="|".join(PEROVSKITE_LABELS),


use rule step as load_perovskites with:
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
            caption="captions/references.rst",
        ),
        quality=report(
            "results/perovskites/quality.csv",
            category="Perovskites: data",
            caption="captions/quality.rst",
        ),
        ions="results/perovskites/ions.csv",
    log:
        "results/logs/perovskites/load_perovskites.log",
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.steps.load_perovskites"),
        mirror=CONFIG.mirror,


use rule step as evaluate_perovskites with:
    input:
        compounds=rules.load_perovskites.output.compounds,
        references=rules.load_perovskites.output.references,
        ions=rules.load_perovskites.output.ions,
        runs="results/perovskites/runs.parquet",
    output:
        metrics="results/perovskites/labels/{label}/metrics.csv",
        predictions="results/perovskites/labels/{label}/predictions.parquet",
    log:
        "results/logs/perovskites/evaluate_perovskites/{label}.log",
    resources:
        **need(mb=800, minutes=60),
    params:
        **step("defectra.studies.perovskites.steps.evaluate_perovskites"),
        config=evaluation_settings(CONFIG),
        seed=leaf(CONFIG, "seed"),


use rule step as gather_perovskites with:
    input:
        metrics=expand(
            rules.evaluate_perovskites.output.metrics, label=PEROVSKITE_LABELS
        ),
        predictions=expand(
            rules.evaluate_perovskites.output.predictions, label=PEROVSKITE_LABELS
        ),
    output:
        metrics=report(
            "results/perovskites/metrics.csv",
            category="Perovskites: models",
            caption="captions/metrics.rst",
        ),
        predictions="results/perovskites/predictions.parquet",
    log:
        "results/logs/perovskites/gather_perovskites.log",
    localrule: True
    params:
        **step("defectra.studies.perovskites.steps.gather_perovskites"),


use rule step as measure_fidelity with:
    input:
        compounds=rules.load_perovskites.output.compounds,
        references=rules.load_perovskites.output.references,
        ions=rules.load_perovskites.output.ions,
    output:
        "results/perovskites/fidelity.csv",
    log:
        "results/logs/perovskites/measure_fidelity.log",
    resources:
        **need(mb=800, minutes=60),
    params:
        **step("defectra.studies.perovskites.steps.measure_fidelity"),
        config=leaf(CONFIG, "perovskites", "fidelity"),
        seed=leaf(CONFIG, "seed"),


use rule step as screen_perovskites with:
    input:
        compounds=rules.load_perovskites.output.compounds,
        references=rules.load_perovskites.output.references,
        ions=rules.load_perovskites.output.ions,
        runs="results/perovskites/runs.parquet",
    output:
        screened="results/perovskites/screened.parquet",
        passed=report(
            "results/perovskites/screened.csv",
            category="Perovskites: screen",
            caption="captions/screened.rst",
        ),
        funnel="results/perovskites/funnel.csv",
    log:
        "results/logs/perovskites/screen_perovskites.log",
    resources:
        **need(mb=1500, minutes=30),
    params:
        **step("defectra.studies.perovskites.steps.screen_perovskites"),
        **project_files(readings=CONFIG.perovskites.measured_gaps),
        config=screen_settings(CONFIG),
        seed=leaf(CONFIG, "seed"),


use rule step as compare_predictions with:
    input:
        names=needs("perovskites/perovs_ml/Expt_points.csv", CONFIG.mirror),
        optical=needs("perovskites/perovs_ml/Pred_expt_opto_elec.txt", CONFIG.mirror),
        structural=needs(
            "perovskites/perovs_ml/Pred_expt_struct_energ.txt", CONFIG.mirror
        ),
        screened=rules.screen_perovskites.output.screened,
        compounds=rules.load_perovskites.output.compounds,
    output:
        report(
            "results/perovskites/published_predictions.csv",
            category="Perovskites: screen",
            caption="captions/published_predictions.rst",
        ),
    log:
        "results/logs/perovskites/compare_predictions.log",
    localrule: True
    params:
        **step("defectra.studies.perovskites.steps.compare_predictions"),
        mirror=CONFIG.mirror,


use rule step as plot_perovskite_errors with:
    input:
        metrics=rules.gather_perovskites.output.metrics,
    output:
        report(
            "results/perovskites/figures/errors.png",
            category="Perovskites: models",
            caption="captions/errors.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_errors.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.plots.plot_perovskite_errors"),


use rule step as plot_perovskite_parity with:
    input:
        predictions=rules.gather_perovskites.output.predictions,
    output:
        report(
            "results/perovskites/figures/parity.png",
            category="Perovskites: models",
            caption="captions/parity.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_parity.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.plots.plot_perovskite_parity"),


use rule step as plot_perovskite_references with:
    input:
        references=rules.load_perovskites.output.references,
    output:
        report(
            "results/perovskites/figures/references.png",
            category="Perovskites: data",
            caption="captions/references_figure.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_references.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.plots.plot_perovskite_references"),


use rule step as plot_perovskite_fidelity with:
    input:
        fidelity=rules.measure_fidelity.output[0],
    output:
        report(
            "results/perovskites/figures/fidelity.png",
            category="Perovskites: models",
            caption="captions/fidelity.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_fidelity.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.plots.plot_perovskite_fidelity"),


use rule step as plot_perovskite_screen with:
    input:
        screened=rules.screen_perovskites.output.screened,
        funnel=rules.screen_perovskites.output.funnel,
    output:
        funnel=report(
            "results/perovskites/figures/funnel.png",
            category="Perovskites: screen",
            caption="captions/funnel.rst",
        ),
        gap=report(
            "results/perovskites/figures/gap.png",
            category="Perovskites: screen",
            caption="captions/gap.rst",
        ),
        stability=report(
            "results/perovskites/figures/stability.png",
            category="Perovskites: screen",
            caption="captions/stability.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_screen.log",
    localrule: True
    resources:
        **need(mb=1000, minutes=10),
    params:
        **step("defectra.studies.perovskites.plots.plot_perovskite_screen"),
        config=leaf(CONFIG, "perovskites", "screen"),


use rule step as score_perovskites with:
    input:
        metrics=rules.gather_perovskites.output.metrics,
        measured=rules.learn_measured.output.metrics,
        ladder=rules.learn_measured.output.ladder,
        predictions=rules.compare_predictions.output[0],
        quality=rules.load_perovskites.output.quality,
        references=rules.load_perovskites.output.references,
        runs=rules.gather_runs.output.table,
        parity=rules.compare_runs.output.parity,
        excesses=rules.compare_runs.output.excesses,
        decomposition=rules.compare_cells.output.decomposition,
        mixing=rules.compare_cells.output.mixing,
        films=rules.measure_slme.output[0],
        own_films=rules.compare_light.output.films,
        tilts=rules.compare_light.output.tilts,
    output:
        scorecard="results/perovskites/scorecard.csv",
        checks="results/perovskites/checks.csv",
    log:
        "results/logs/perovskites/score_perovskites.log",
    localrule: True
    params:
        **step("defectra.studies.perovskites.steps.score_perovskites"),


rule perovskites:
    input:
        expand(
            "results/perovskites/{table}",
            table=[
                *("scorecard.csv", "checks.csv", "metrics.csv", "fidelity.csv"),
                *("screened.parquet", "mixing.csv", "slme.csv", "ladder.csv"),
                *("films.csv", "tilts.csv"),
            ],
        ),
        expand(
            "results/perovskites/figures/{figure}.png",
            figure=[
                *(
                    "errors",
                    "parity",
                    "references",
                    "runs",
                    "decomposition",
                    "fidelity",
                ),
                *("funnel", "gap", "stability", "ladder", "coverage"),
                *("absorption", "tilts", "orderings"),
            ],
        ),
    localrule: True
