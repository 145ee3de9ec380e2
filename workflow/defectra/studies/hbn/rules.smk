# Emitters of hBN: candidates computed with GPAW, their ladder against the measured line, and the
# statistics of measured spectra.

from defectra.core.project_files import archive_parts


# Projects archive and journals; what the archive lacks is computed before, if the config asks.
use rule step as gather_hbn with:
    input:
        computed=computed_chunks(CONFIG, "hbn"),
    output:
        runs="results/hbn/runs.parquet",
        forces="results/hbn/forces.parquet",
        table=report(
            "results/hbn/runs.csv",
            category="hBN: candidates",
            caption="captions/runs.rst",
        ),
    log:
        "results/logs/hbn/gather_hbn.log",
    localrule: True
    params:
        **step("defectra.studies.hbn.steps.gather_hbn"),
        archive=archive_parts(CONFIG.hbn.archive, "hbn_runs", "hbn_forces"),
        config=part_for(CONFIG, "hbn"),


use rule step as compare_candidates with:
    input:
        runs=rules.gather_hbn.output.runs,
        forces=rules.gather_hbn.output.forces,
    output:
        transitions=report(
            "results/hbn/transitions.csv",
            category="hBN: candidates",
            caption="captions/transitions.rst",
        ),
        errors=report(
            "results/hbn/errors.csv",
            category="hBN: candidates",
            caption="captions/errors.rst",
        ),
        ladder=report(
            "results/hbn/ladder.csv",
            category="hBN: candidates",
            caption="captions/ladder_table.rst",
        ),
        sidebands="results/hbn/sidebands.parquet",
        sidebands_table="results/hbn/sidebands.csv",
    log:
        "results/logs/hbn/compare_candidates.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.hbn.steps.compare_candidates"),
        config=leaf(CONFIG, "hbn"),


use rule step as measure_lines with:
    input:
        CONFIG.hbn.measured.files,
    output:
        lines="results/hbn/lines.csv",
        statistics=report(
            "results/hbn/statistics.csv",
            category="hBN: measured spectra",
            caption="captions/statistics.rst",
        ),
    log:
        "results/logs/hbn/measure_lines.log",
    localrule: True
    params:
        **step("defectra.studies.hbn.steps.measure_lines"),
        config=leaf(CONFIG, "hbn"),
        seed=leaf(CONFIG, "seed"),


use rule step as score_hbn with:
    input:
        runs=rules.gather_hbn.output.runs,
        transitions=rules.compare_candidates.output.transitions,
        ladder=rules.compare_candidates.output.ladder,
        sidebands=rules.compare_candidates.output.sidebands,
        statistics=rules.measure_lines.output.statistics,
    output:
        scorecard="results/hbn/scorecard.csv",
        checks="results/hbn/checks.csv",
    log:
        "results/logs/hbn/score_hbn.log",
    localrule: True
    params:
        **step("defectra.studies.hbn.steps.score_hbn"),
        config=leaf(CONFIG, "hbn"),


use rule step as plot_hbn_ladder with:
    input:
        ladder=rules.compare_candidates.output.ladder,
    output:
        report(
            "results/hbn/figures/ladder.png",
            category="hBN: candidates",
            caption="captions/ladder.rst",
        ),
    log:
        "results/logs/hbn/plot_hbn_ladder.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.hbn.plots.plot_ladder"),
        config=leaf(CONFIG, "hbn"),


use rule step as plot_hbn_sidebands with:
    input:
        sidebands=rules.compare_candidates.output.sidebands,
    output:
        report(
            "results/hbn/figures/sidebands.png",
            category="hBN: candidates",
            caption="captions/sidebands.rst",
        ),
    log:
        "results/logs/hbn/plot_hbn_sidebands.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.hbn.plots.plot_sidebands"),
        config=leaf(CONFIG, "hbn"),


use rule step as plot_hbn_lines with:
    input:
        lines=rules.measure_lines.output.lines,
    output:
        report(
            "results/hbn/figures/lines.png",
            category="hBN: measured spectra",
            caption="captions/lines.rst",
        ),
    log:
        "results/logs/hbn/plot_hbn_lines.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.hbn.plots.plot_lines"),
        config=leaf(CONFIG, "hbn"),


rule hbn:
    input:
        rules.score_hbn.output,
        "results/hbn/runs.csv",
        expand(
            "results/hbn/figures/{figure}.png", figure=["ladder", "sidebands", "lines"]
        ),
    localrule: True
