# Halide perovskites: calculations of our own, and how they compare with the published columns.

from defectra.leaves import archive_parts, run_settings
from defectra.journal import journal_size


# Projects archive and journal; computes nothing (`python -m defectra.perovskites.campaign fill`).
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
