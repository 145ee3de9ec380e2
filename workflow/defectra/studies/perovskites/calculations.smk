# Halide perovskites: calculations of our own, and how they compare with the published columns.

from defectra.core.project_files import archive_parts, project_files
from defectra.studies.perovskites.parameters import run_settings


# Projects archive and journals; what the archive lacks is computed before, if the config asks for it.
use rule step as gather_runs with:
    input:
        computed=computed_chunks(CONFIG, "perovskites"),
    output:
        runs="results/perovskites/runs.parquet",
        table=report(
            "results/perovskites/runs.csv",
            category="Perovskites: calculations",
            caption="captions/runs.rst",
        ),
    log:
        "results/logs/perovskites/gather_runs.log",
    localrule: True
    params:
        **step("defectra.studies.perovskites.steps_calculations.gather_runs"),
        archive=archive_parts(CONFIG.archive, "perovskite_runs"),
        config=run_settings(CONFIG),
        seed=leaf(CONFIG, "seed"),


use rule step as compare_runs with:
    input:
        runs=rules.gather_runs.output.runs,
        compounds="results/perovskites/compounds.parquet",
    output:
        parity="results/perovskites/parity.csv",
        salts="results/perovskites/salts.csv",
        excesses=report(
            "results/perovskites/salts_excess.csv",
            category="Perovskites: calculations",
            caption="captions/salts.rst",
        ),
        summary=report(
            "results/perovskites/parity_summary.csv",
            category="Perovskites: calculations",
            caption="captions/runs_figure.rst",
        ),
    log:
        "results/logs/perovskites/compare_runs.log",
    localrule: True
    params:
        **step("defectra.studies.perovskites.steps_calculations.compare_runs"),


use rule step as plot_perovskite_runs with:
    input:
        parity=rules.compare_runs.output.parity,
    output:
        report(
            "results/perovskites/figures/runs.png",
            category="Perovskites: calculations",
            caption="captions/runs_figure.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_runs.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.plots.plot_perovskite_runs"),


# As gather_runs, for the reference phases BX2, mixed B sites and charged vacancies (`cells`).
use rule step as gather_cells with:
    input:
        computed=computed_chunks(CONFIG, "perovskites"),
    output:
        cells="results/perovskites/cells.parquet",
        table=report(
            "results/perovskites/cells.csv",
            category="Perovskites: calculations",
            caption="captions/cells.rst",
        ),
    log:
        "results/logs/perovskites/gather_cells.log",
    localrule: True
    params:
        **step("defectra.studies.perovskites.steps_calculations.gather_cells"),
        archive=archive_parts(CONFIG.archive, "perovskite_runs", "perovskite_cells"),
        config=run_settings(CONFIG),


use rule step as compare_cells with:
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
            caption="captions/decomposition.rst",
        ),
        vacancies=report(
            "results/perovskites/vacancies.csv",
            category="Perovskites: calculations",
            caption="captions/vacancies.rst",
        ),
        mixing=report(
            "results/perovskites/mixing.csv",
            category="Perovskites: calculations",
            caption="captions/mixing.rst",
        ),
    log:
        "results/logs/perovskites/compare_cells.log",
    localrule: True
    params:
        **step("defectra.studies.perovskites.steps_calculations.compare_cells"),


use rule step as plot_perovskite_decomposition with:
    input:
        decomposition=rules.compare_cells.output.decomposition,
        vacancies=rules.compare_cells.output.vacancies,
    output:
        report(
            "results/perovskites/figures/decomposition.png",
            category="Perovskites: calculations",
            caption="captions/decomposition.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_decomposition.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.plots.plot_perovskite_decomposition"),


use rule step as plot_perovskite_orderings with:
    input:
        mixing=rules.compare_cells.output.mixing,
    output:
        report(
            "results/perovskites/figures/orderings.png",
            category="Perovskites: calculations",
            caption="captions/orderings_figure.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_orderings.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.plots.plot_perovskite_orderings"),


use rule step as measure_slme with:
    output:
        report(
            "results/perovskites/slme.csv",
            category="Perovskites: calculations",
            caption="captions/slme.rst",
        ),
    log:
        "results/logs/perovskites/measure_slme.log",
    localrule: True
    params:
        **step("defectra.studies.perovskites.steps_calculations.measure_slme"),
        **project_files(optics="resources/optics/gaas.csv"),
