"""One page for a browser, in one file: verdicts first, then checks, figures and calculations."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Collection, Sequence
from pathlib import Path

from defectra.core.store import write_bytes
from defectra.report.calculations import summary
from defectra.report.contents import (
    OUTCOMES,
    VERDICTS,
    Contents,
    by_verdict,
    interval,
    number,
    published,
    read_study,
    text,
)
from defectra.report.of_run import OfRun
from defectra.report.recorded import recorded

TEMPLATE = Path(__file__).with_name("page.html.j2")
_SOURCES = ("plan/config.json", "calculations.parquet", "records.jsonl.gz")
_LIBRARIES = (
    *("defectra", "snakemake", "numpy", "scipy", "scikit-learn", "xgboost-cpu", "xgboost"),
    *("ase", "pymatgen", "feff10-rs", "torch", "abtem"),
)


def read_contents(of_run: OfRun, studies: Sequence[str], others: Sequence[str] = ()) -> Contents:
    """Contents of the page about some studies.

    Parameters
    ----------
    of_run
        Folder of results, and which of its files are of this run.
    others
        Studies that were not run, of which the page shows what an earlier run found.
    """
    counts, failures = summary(of_run, studies)
    return Contents(
        "Defectra: " + ", ".join(studies),
        [read_study(name, of_run) for name in studies],
        counts,
        failures,
        _versions(),
        [recorded(name) for name in others],
        [name for name in _SOURCES if (of_run.results / name).is_file()],
    )


def _versions() -> list[tuple[str, str]]:
    found = [("Python", platform.python_version())]
    for name in _LIBRARIES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def html(contents: Contents, up: str = "") -> str:
    """The page.

    Parameters
    ----------
    up
        From the folder of the page to that of the results, for links: ``"../"``, or nothing.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {f.__name__: f for f in (number, published, interval, text, by_verdict)}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(contents=contents, up=up, verdicts=VERDICTS, outcomes=OUTCOMES)


def write_page(
    out: Path,
    results: Path,
    studies: Sequence[str],
    others: Sequence[str] = (),
    made: Collection[str] | None = None,
) -> None:
    """Write the page about some studies.

    Parameters
    ----------
    out
        HTML file in the folder of results or in one of its folders.
    others
        As for :func:`read_contents`.
    made
        Files that the rules of this run make, as they name them; None: all that are there.
    """
    up = "../" * (len(out.parent.parts) - len(results.parts))
    write_bytes(out, html(read_contents(OfRun(results, made), studies, others), up).encode())
