# Halide perovskites: calculations of our own, and how they compare with the published columns.

from defectra.core.config_leaves import archive_parts, run_settings
from defectra.core.journal import journal_size


# Projects archive and journal; computes nothing (`python -m defectra.studies.perovskites.campaign fill`).
rule gather_runs:
    input:
        archive_parts(ARCHIVE, "perovskite_runs"),
    output:
        runs="results/perovskites/runs.parquet",
        table=report(
            "results/perovskites/runs.csv",
            category="Perovskites: calculations",
            caption="../report/perovskites_runs.rst",
        ),
    log:
        "results/logs/perovskites/gather_runs.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        archive=json.dumps(ARCHIVE),
        config=run_settings(CONFIG),
        seed=leaf(CONFIG, "seed"),
        journal=journal_size("results/store/perovskites-runs.journal"),
        code=code("gather_runs"),
    script:
        "../../scripts/gather_runs.py"


rule compare_runs:
    input:
        runs=rules.gather_runs.output.runs,
        compounds="results/perovskites/compounds.parquet",
    output:
        parity="results/perovskites/parity.csv",
        salts="results/perovskites/salts.csv",
        excesses=report(
            "results/perovskites/salts_excess.csv",
            category="Perovskites: calculations",
            caption="../report/perovskites_salts.rst",
        ),
        summary=report(
            "results/perovskites/parity_summary.csv",
            category="Perovskites: calculations",
            caption="../report/perovskites_runs_parity.rst",
        ),
    log:
        "results/logs/perovskites/compare_runs.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        code=code("compare_runs"),
    script:
        "../../scripts/compare_runs.py"


rule plot_perovskite_runs:
    input:
        parity=rules.compare_runs.output.parity,
    output:
        report(
            "results/perovskites/figures/runs.png",
            category="Perovskites: calculations",
            caption="../report/perovskites_runs_parity.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_runs.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_perovskite_runs"),
    script:
        "../../scripts/plot_perovskite_runs.py"


# As gather_runs, for the reference phases BX2, mixed B sites and charged vacancies (`cells`).
rule gather_cells:
    input:
        archive_parts(ARCHIVE, "perovskite_runs", "perovskite_cells"),
    output:
        cells="results/perovskites/cells.parquet",
        table=report(
            "results/perovskites/cells.csv",
            category="Perovskites: calculations",
            caption="../report/perovskites_cells.rst",
        ),
    log:
        "results/logs/perovskites/gather_cells.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        archive=json.dumps(ARCHIVE),
        config=run_settings(CONFIG),
        journal=journal_size("results/store/perovskites-cells.journal"),
        code=code("gather_cells"),
    script:
        "../../scripts/gather_cells.py"


rule compare_cells:
    input:
        runs=rules.gather_runs.output.runs,
        cells=rules.gather_cells.output.cells,
        compounds="results/perovskites/compounds.parquet",
        excesses=rules.compare_runs.output.excesses,
    output:
        decomposition="results/perovskites/decomposition.csv",
        summary=report(
            "results/perovskites/decomposition_summary.csv",
            category="Perovskites: calculations",
            caption="../report/perovskites_decomposition.rst",
        ),
        vacancies=report(
            "results/perovskites/vacancies.csv",
            category="Perovskites: calculations",
            caption="../report/perovskites_vacancies.rst",
        ),
        mixing="results/perovskites/mixing.csv",
    log:
        "results/logs/perovskites/compare_cells.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        code=code("compare_cells"),
    script:
        "../../scripts/compare_cells.py"


rule plot_perovskite_decomposition:
    input:
        decomposition=rules.compare_cells.output.decomposition,
        vacancies=rules.compare_cells.output.vacancies,
    output:
        report(
            "results/perovskites/figures/decomposition.png",
            category="Perovskites: calculations",
            caption="../report/perovskites_decomposition.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_decomposition.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(800),
        runtime=doubled(10),
    params:
        code=code("plot_perovskite_decomposition"),
    script:
        "../../scripts/plot_perovskite_decomposition.py"


rule measure_slme:
    input:
        optics=os.path.relpath(ROOT / "resources/optics/gaas.csv"),
    output:
        report(
            "results/perovskites/slme.csv",
            category="Perovskites: calculations",
            caption="../report/perovskites_slme.rst",
        ),
    log:
        "results/logs/perovskites/measure_slme.log",
    conda:
        "../../envs/defectra.yaml"
    threads: 1
    resources:
        mem_mb=doubled(500),
        runtime=doubled(10),
    params:
        code=code("measure_slme"),
    script:
        "../../scripts/measure_slme.py"
