# K edges: which feature predicts what, how it transfers, FEFF to VASP, fidelities, measured Ni K.

from defectra.core.datasets import needs_all
from defectra.core.folder_digest import digest_of
from defectra.core.project_files import archive_parts
from defectra.studies.xanes.files import XAS, spectra_below, xas_lists, xas_tables

FEATUREXAS = "spectra/chen2023_featurexas"
ANATASE = "spectra/lightshow/notebooks/spectra_files"
ANATASE_FILES = [
    f"{ANATASE}/anatase_{name}.txt"
    for name in ("theory_FEFF", "theory_VASP", "ocean", "exciting", "xspectra")
]
NICKEL_OXIDES = [
    f"spectra/xdi/Ni/{name}_rt_{k:02d}.xdi"
    for name, count in (("Ni2O3", 3), ("NiOH2", 3), ("Ni_metal", 2))
    for k in range(1, count + 1)
]

# Calculations of the comparison of fidelities, shipped with the workflow.
FIDELITY_PARTS = archive_parts(CONFIG.xanes.ladder.archive)
SPECTRA_PARTS = archive_parts(CONFIG.archive, "calculations", "geometries", "spectra")


use rule step as build_copper with:
    input:
        archive=needs(f"{XAS}/feff_raw/Cu_FEFF_xmu_POSCAR.tar.xz", CONFIG.mirror),
        runs=[str(f) for p in CONFIG.xanes.parsed for f in spectra_below(p)],
    output:
        copper="results/xanes/copper.parquet",
        left_out="results/xanes/left_out.csv",
    log:
        "results/logs/xanes/build_copper.log",
    resources:
        **need(mb=1500, minutes=10),
    params:
        # Readers of all engines are reached where runs are named, so that no engine reruns the rest.
        **step(
            "defectra.studies.xanes.steps.join_copper"
            if CONFIG.xanes.parsed
            else "defectra.studies.xanes.steps.build_copper"
        ),
        mirror=CONFIG.mirror,
        parsed=CONFIG.xanes.parsed,
        parsed_geometry=CONFIG.xanes.parsed_geometry,


use rule step as compare_features with:
    input:
        copper=rules.build_copper.output.copper,
        lists=needs_all(xas_lists(["Cu"], ["VASP"]), CONFIG.mirror),
        tables=needs_all(xas_tables(["Cu"], ["VASP"]), CONFIG.mirror),
    output:
        "results/xanes/features.csv",
    log:
        "results/logs/xanes/compare_features.log",
    resources:
        **need(mb=2000, minutes=60),
    params:
        **step("defectra.studies.xanes.steps.compare_features"),
        config=leaf(CONFIG, "xanes"),
        seed=leaf(CONFIG, "seed"),
        mirror=CONFIG.mirror,


use rule step as learn_delta with:
    input:
        lists=needs_all(xas_lists(["Ti", "Cu"], ["FEFF", "VASP"]), CONFIG.mirror),
        tables=needs_all(xas_tables(["Ti", "Cu"], ["FEFF", "VASP"]), CONFIG.mirror),
    output:
        pairs="results/xanes/pairs.parquet",
        metrics="results/xanes/delta.csv",
    log:
        "results/logs/xanes/learn_delta.log",
    resources:
        **need(mb=1000, minutes=30),
    params:
        **step("defectra.studies.xanes.steps.learn_delta"),
        config=leaf(CONFIG, "xanes"),
        seed=leaf(CONFIG, "seed"),
        mirror=CONFIG.mirror,


use rule step as transfer_delta with:
    input:
        lists=needs_all(xas_lists(["Ti", "Cu"], ["FEFF", "VASP"]), CONFIG.mirror),
        tables=needs_all(xas_tables(["Ti", "Cu"], ["FEFF", "VASP"]), CONFIG.mirror),
    output:
        "results/xanes/transfer.csv",
    log:
        "results/logs/xanes/transfer_delta.log",
    resources:
        **need(mb=1500, minutes=60),
    params:
        **step("defectra.studies.xanes.steps.transfer_delta"),
        config=leaf(CONFIG, "xanes"),
        seed=leaf(CONFIG, "seed"),
        mirror=CONFIG.mirror,


use rule step as save_delta with:
    input:
        lists=needs_all(xas_lists(["Ti", "Cu"], ["FEFF", "VASP"]), CONFIG.mirror),
        tables=needs_all(xas_tables(["Ti", "Cu"], ["FEFF", "VASP"]), CONFIG.mirror),
        pairs=rules.learn_delta.output.pairs,
        transfer=rules.transfer_delta.output[0],
    output:
        expand("results/xanes/models/feff_to_vasp_{element}.npz", element=["Ti", "Cu"]),
    log:
        "results/logs/xanes/save_delta.log",
    localrule: True
    resources:
        **need(mb=1000, minutes=10),
    params:
        **step("defectra.studies.xanes.steps.save_delta"),
        config=leaf(CONFIG, "xanes"),
        mirror=CONFIG.mirror,


use rule step as check_published with:
    input:
        series=needs(f"{FEATUREXAS}/dataset/nmc_exp_xas.json", CONFIG.mirror),
        regressor=needs(f"{FEATUREXAS}/models_npz/exp_cdf_rfr_model.npz", CONFIG.mirror),
        classifier=needs(
            f"{FEATUREXAS}/models_npz/comp_cdf_rfc_model.npz", CONFIG.mirror
        ),
        example=needs(f"{FEATUREXAS}/example/CORE_DIELECTRIC_IMAG.dat", CONFIG.mirror),
        record=needs(f"{FEATUREXAS}/record438_printed.json", CONFIG.mirror),
    output:
        report(
            "results/xanes/published.csv",
            category="K edges: published checks",
            caption="captions/published.rst",
        ),
    log:
        "results/logs/xanes/check_published.log",
    localrule: True
    params:
        **step("defectra.studies.xanes.steps.check_published"),
        mirror=CONFIG.mirror,


use rule step as measure_nickel with:
    input:
        series=needs(f"{FEATUREXAS}/dataset/nmc_exp_xas.json", CONFIG.mirror),
        regressor=needs(f"{FEATUREXAS}/models_npz/exp_cdf_rfr_model.npz", CONFIG.mirror),
        oxides=needs_all(NICKEL_OXIDES, CONFIG.mirror),
    output:
        series="results/xanes/series.csv",
        oxides=report(
            "results/xanes/oxides.csv",
            category="K edges: measured spectra",
            caption="captions/oxides.rst",
        ),
        importance="results/xanes/importance.csv",
        metrics="results/xanes/nickel.csv",
        nickel="results/xanes/nickel.parquet",
        models=expand(
            "results/xanes/models/ni_k_{features}.npz",
            features=CONFIG.xanes.nickel.features,
        ),
    log:
        "results/logs/xanes/measure_nickel.log",
    resources:
        **need(mb=1000, minutes=30),
    params:
        **step("defectra.studies.xanes.steps.measure_nickel"),
        config=leaf(CONFIG, "xanes"),
        seed=leaf(CONFIG, "seed"),
        archive=SPECTRA_PARTS,
        mirror=CONFIG.mirror,


use rule step as build_ladder with:
    input:
        computed=computed_chunks(CONFIG, "xanes"),
        codes=needs_all(ANATASE_FILES, CONFIG.mirror),
        measured=needs(f"{ANATASE}/anatase_exp.txt", CONFIG.mirror),
    output:
        ladder="results/xanes/ladder.parquet",
        table=report(
            "results/xanes/ladder.csv",
            category="K edges: fidelity",
            caption="captions/ladder_table.rst",
        ),
    log:
        "results/logs/xanes/build_ladder.log",
    localrule: True
    resources:
        **need(mb=1000, minutes=10),
    params:
        **step("defectra.studies.xanes.steps.build_ladder"),
        config=leaf(CONFIG, "xanes"),
        protocols=protocol_part(CONFIG),
        archive=SPECTRA_PARTS,
        fidelities=FIDELITY_PARTS,
        parsed=digest_of(CONFIG.xanes.ladder.parsed),
        mirror=CONFIG.mirror,


use rule step as gather_xanes with:
    input:
        rules.compare_features.output[0],
        rules.learn_delta.output.metrics,
        rules.transfer_delta.output[0],
        rules.measure_nickel.output.metrics,
    output:
        report(
            "results/xanes/metrics.csv",
            category="K edges: features",
            caption="captions/metrics.rst",
        ),
    log:
        "results/logs/xanes/gather_xanes.log",
    localrule: True
    params:
        **step("defectra.campaign.steps.join_metrics"),


use rule step as score_xanes with:
    input:
        published=rules.check_published.output[0],
        metrics=rules.gather_xanes.output[0],
        series=rules.measure_nickel.output.series,
    output:
        scorecard="results/xanes/scorecard.csv",
        checks="results/xanes/checks.csv",
    log:
        "results/logs/xanes/score_xanes.log",
    localrule: True
    params:
        **step("defectra.studies.xanes.steps.score_xanes"),


use rule step as plot_xanes_features with:
    input:
        metrics=rules.gather_xanes.output[0],
    output:
        features=report(
            "results/xanes/figures/features.png",
            category="K edges: features",
            caption="captions/features.rst",
        ),
        decay=report(
            "results/xanes/figures/decay.png",
            category="K edges: features",
            caption="captions/decay.rst",
        ),
    log:
        "results/logs/xanes/plot_xanes_features.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.xanes.plots.plot_xanes_features"),


use rule step as plot_xanes_delta with:
    input:
        pairs=rules.learn_delta.output.pairs,
        metrics=rules.learn_delta.output.metrics,
    output:
        report(
            "results/xanes/figures/delta.png",
            category="K edges: fidelity",
            caption="captions/delta.rst",
        ),
    log:
        "results/logs/xanes/plot_xanes_delta.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.xanes.plots.plot_xanes_delta"),


use rule step as plot_xanes_transfer with:
    input:
        metrics=rules.gather_xanes.output[0],
    output:
        report(
            "results/xanes/figures/transfer.png",
            category="K edges: fidelity",
            caption="captions/transfer.rst",
        ),
    log:
        "results/logs/xanes/plot_xanes_transfer.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.xanes.plots.plot_xanes_transfer"),


use rule step as plot_xanes_ladder with:
    input:
        ladder=rules.build_ladder.output.ladder,
    output:
        report(
            "results/xanes/figures/ladder.png",
            category="K edges: fidelity",
            caption="captions/ladder.rst",
        ),
    log:
        "results/logs/xanes/plot_xanes_ladder.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.xanes.plots.plot_xanes_ladder"),


use rule step as plot_xanes_series with:
    input:
        series=rules.measure_nickel.output.series,
        importance=rules.measure_nickel.output.importance,
    output:
        series=report(
            "results/xanes/figures/series.png",
            category="K edges: measured spectra",
            caption="captions/series.rst",
        ),
        importance=report(
            "results/xanes/figures/importance.png",
            category="K edges: measured spectra",
            caption="captions/importance.rst",
        ),
    log:
        "results/logs/xanes/plot_xanes_series.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.xanes.plots.plot_xanes_series"),


rule ladder:
    input:
        "results/xanes/ladder.csv",
        expand("results/xanes/figures/{figure}.png", figure=["ladder", "delta"]),
    localrule: True


rule xanes:
    input:
        rules.score_xanes.output,
        "results/xanes/metrics.csv",
        "results/xanes/ladder.csv",
        expand(
            "results/xanes/figures/{figure}.png",
            figure=[
                *("features", "decay", "delta", "transfer", "ladder", "series"),
                "importance",
            ],
        ),
        rules.save_delta.output,
    localrule: True
