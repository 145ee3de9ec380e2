"""Step of the report."""

from __future__ import annotations

from defectra.core.step import Job, decoded


def make_report(job: Job) -> None:
    """One page about the studies that were run.

    Input: all that the studies make. Output: HTML, in or below the folder ``results``.
    params.studies = their names; params.others = those that were not run, for the page of all;
    params.made = JSON: the files that the rules of this run make.
    """
    from pathlib import Path

    from defectra.report.page import write_page

    out = Path(job.output[0])
    results = next(folder for folder in out.parents if folder.name == "results")
    write_page(out, results, job.params.studies, job.params.others, decoded(job, "made"))
