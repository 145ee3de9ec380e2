# K edges: which feature tells what, how it travels, FEFF to VASP, fidelity ladder, measured Ni K.

from defectra.core.datasets import needs_all
from defectra.studies.xanes.files import XAS, xas_lists, xas_tables

FEATUREXAS = "spectra/chen2023_featurexas"
ANATASE = "spectra/lightshow/notebooks/spectra_files"
LADDER_FILES = [
    f"{ANATASE}/anatase_{name}.txt"
    for name in ("theory_FEFF", "theory_VASP", "ocean", "exciting", "xspectra")
]
NICKEL_OXIDES = [
    f"spectra/xdi/Ni/{name}_rt_{k:02d}.xdi"
    for name, count in (("Ni2O3", 3), ("NiOH2", 3), ("Ni_metal", 2))
    for k in range(1, count + 1)
]

# Calculations of the ladder, shipped with the workflow.
RUNGS = os.path.relpath(ROOT / CONFIG.xanes.ladder.archive)
RUNG_PARTS = sorted(map(str, Path(RUNGS).glob("*/part-*.parquet")))


rule build_copper:
    input:
        archive=needs(f"{XAS}/feff_raw/Cu_FEFF_xmu_POSCAR.tar.xz", CONFIG.mirror),
    output:
        copper="results/xanes/copper.parquet",
        left_out="results/xanes/left_out.csv",
    log:
        "results/logs/xanes/build_copper.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1500),
        runtime=doubled(10),
    params:
        mirror=CONFIG.mirror,
        code=code("build_copper"),
    script:
        "../../scripts/build_copper.py"


rule compare_features:
    input:
        copper=rules.build_copper.output.copper,
        lists=needs_all(xas_lists(["Cu"], ["VASP"]), CONFIG.mirror),
        tables=needs_all(xas_tables(["Cu"], ["VASP"]), CONFIG.mirror),
    output:
        "results/xanes/features.csv",
    log:
        "results/logs/xanes/compare_features.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(2000),
        runtime=doubled(60),
    params:
        config=leaf(CONFIG, "xanes"),
        seed=leaf(CONFIG, "seed"),
        mirror=CONFIG.mirror,
        code=code("compare_features"),
    script:
        "../../scripts/compare_features.py"


rule learn_delta:
    input:
        lists=needs_all(xas_lists(["Ti", "Cu"], ["FEFF", "VASP"]), CONFIG.mirror),
        tables=needs_all(xas_tables(["Ti", "Cu"], ["FEFF", "VASP"]), CONFIG.mirror),
    output:
        pairs="results/xanes/pairs.parquet",
        metrics="results/xanes/delta.csv",
    log:
        "results/logs/xanes/learn_delta.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1000),
        runtime=doubled(30),
    params:
        config=leaf(CONFIG, "xanes"),
        seed=leaf(CONFIG, "seed"),
        mirror=CONFIG.mirror,
        code=code("learn_delta"),
    script:
        "../../scripts/learn_delta.py"


rule check_published:
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
            caption="../report/xanes_published.rst",
        ),
    log:
        "results/logs/xanes/check_published.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        mirror=CONFIG.mirror,
        code=code("check_published"),
    script:
        "../../scripts/check_published.py"


rule measure_nickel:
    input:
        archive=ARCHIVE_PARTS,
        series=needs(f"{FEATUREXAS}/dataset/nmc_exp_xas.json", CONFIG.mirror),
        regressor=needs(f"{FEATUREXAS}/models_npz/exp_cdf_rfr_model.npz", CONFIG.mirror),
        oxides=needs_all(NICKEL_OXIDES, CONFIG.mirror),
    output:
        series="results/xanes/series.csv",
        oxides=report(
            "results/xanes/oxides.csv",
            category="K edges: measured spectra",
            caption="../report/xanes_oxides.rst",
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
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1000),
        runtime=doubled(30),
    params:
        config=leaf(CONFIG, "xanes"),
        seed=leaf(CONFIG, "seed"),
        archive=json.dumps(ARCHIVE),
        mirror=CONFIG.mirror,
        code=code("measure_nickel"),
    script:
        "../../scripts/measure_nickel.py"


rule build_ladder:
    input:
        archive=ARCHIVE_PARTS,
        rungs=RUNG_PARTS,
        codes=needs_all(LADDER_FILES, CONFIG.mirror),
        measured=needs(f"{ANATASE}/anatase_exp.txt", CONFIG.mirror),
    output:
        ladder="results/xanes/ladder.parquet",
        table=report(
            "results/xanes/ladder.csv",
            category="K edges: fidelity",
            caption="../report/xanes_ladder_table.rst",
        ),
    log:
        "results/logs/xanes/build_ladder.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(1000),
        runtime=doubled(10 if CONFIG.xanes.ladder.live == "no" else 1440),
    params:
        config=leaf(CONFIG, "xanes"),
        protocols=leaf(CONFIG, "protocols"),
        archive=json.dumps(ARCHIVE),
        rungs=json.dumps(RUNGS),
        work="results/store/rungs",
        mirror=CONFIG.mirror,
        code=code("build_ladder"),
    script:
        "../../scripts/build_ladder.py"


rule gather_xanes:
    input:
        rules.compare_features.output[0],
        rules.learn_delta.output.metrics,
        rules.measure_nickel.output.metrics,
    output:
        report(
            "results/xanes/metrics.csv",
            category="K edges: features",
            caption="../report/xanes_metrics.rst",
        ),
    log:
        "results/logs/xanes/gather_xanes.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        code=code("gather_xanes"),
    script:
        "../../scripts/gather_xanes.py"


rule score_xanes:
    input:
        published=rules.check_published.output[0],
        metrics=rules.gather_xanes.output[0],
        series=rules.measure_nickel.output.series,
    output:
        "results/xanes/scorecard.csv",
    log:
        "results/logs/xanes/score_xanes.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        code=code("score_xanes"),
    script:
        "../../scripts/score_xanes.py"


rule plot_xanes_features:
    input:
        metrics=rules.gather_xanes.output[0],
    output:
        features=report(
            "results/xanes/figures/features.png",
            category="K edges: features",
            caption="../report/xanes_features.rst",
        ),
        decay=report(
            "results/xanes/figures/decay.png",
            category="K edges: features",
            caption="../report/xanes_decay.rst",
        ),
    log:
        "results/logs/xanes/plot_xanes_features.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_xanes_features"),
    script:
        "../../scripts/plot_xanes_features.py"


rule plot_xanes_delta:
    input:
        pairs=rules.learn_delta.output.pairs,
        metrics=rules.learn_delta.output.metrics,
    output:
        report(
            "results/xanes/figures/delta.png",
            category="K edges: fidelity",
            caption="../report/xanes_delta.rst",
        ),
    log:
        "results/logs/xanes/plot_xanes_delta.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_xanes_delta"),
    script:
        "../../scripts/plot_xanes_delta.py"


rule plot_xanes_ladder:
    input:
        ladder=rules.build_ladder.output.ladder,
    output:
        report(
            "results/xanes/figures/ladder.png",
            category="K edges: fidelity",
            caption="../report/xanes_ladder.rst",
        ),
    log:
        "results/logs/xanes/plot_xanes_ladder.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_xanes_ladder"),
    script:
        "../../scripts/plot_xanes_ladder.py"


rule plot_xanes_series:
    input:
        series=rules.measure_nickel.output.series,
        importance=rules.measure_nickel.output.importance,
    output:
        series=report(
            "results/xanes/figures/series.png",
            category="K edges: measured spectra",
            caption="../report/xanes_series.rst",
        ),
        importance=report(
            "results/xanes/figures/importance.png",
            category="K edges: measured spectra",
            caption="../report/xanes_importance.rst",
        ),
    log:
        "results/logs/xanes/plot_xanes_series.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_xanes_series"),
    script:
        "../../scripts/plot_xanes_series.py"
