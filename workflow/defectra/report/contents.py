"""What the report shows, read from a folder of results: verdicts, checks, figures, calculations."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS, Outcome, Verdict
from defectra.core.csvs import read_csv
from defectra.core.errors import DefectraError
from defectra.core.studies import study_folder
from defectra.figures import style
from defectra.report.markup import caption_of_rst, paragraph_of_markdown
from defectra.report.of_run import OfRun
from defectra.report.recorded import Recorded

Row = dict[str, Any]
WIDE = 1000  # pixels of a PNG
PAGE_PX, SCREEN_DPI = 1140, 96  # width of the page for figures; of a browser
SHRUNK = 1.06  # times the width of the page: text of a figure so much smaller can still be read
BESIDE = (".pdf", ".csv")  # of a figure: for print, and what it shows
# The order in which verdicts stand: what fails first.
VERDICTS = (
    *(Verdict.NOT_REPRODUCED, Verdict.NOT_SHOWN, Verdict.CLOSE),
    *(Verdict.REPRODUCED, Verdict.NO_DATA),
)
OUTCOMES = (Outcome.FAILS, Outcome.OPEN, Outcome.HOLDS)


@dataclass(frozen=True)
class Figure:
    """A figure of a study.

    Attributes
    ----------
    name
        Anchor, unique in the page.
    title
        What stands above it: the title of its caption, else the name of its file.
    size
        Width and height of the picture, pixels.
    image
        The picture as a data address (PNG, base64).
    caption
        HTML.
    is_wide
        Whether it needs the width of the page to be read.
    least_px
        Width below which its text cannot be read: that of paper, where it is more than the page
        has; the figure is then moved sideways. 0: none.
    files
        The same as PDF, and what it shows as csv: their paths from the folder of results.
    """

    name: str
    title: str
    size: tuple[int, int]
    image: str
    caption: str
    is_wide: bool = False
    least_px: int = 0
    files: Sequence[str] = ()


@dataclass(frozen=True)
class Study:
    """All that the page shows of one study.

    Attributes
    ----------
    name, title, question
        Name of its folder; title and first paragraph of its ``README.md``.
    claims, checks
        Rows of its ``scorecard.csv`` and ``checks.csv``.
    figures, tables
        Its figures; csv and Parquet files, relative to the folder of results.
    leftovers
        Figures and tables in its folder that are not of this run, relative to the folder of
        results: they are named and not shown.
    """

    name: str
    title: str
    question: str
    claims: Sequence[Mapping[str, Any]] = ()
    checks: Sequence[Mapping[str, Any]] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[str] = ()
    leftovers: Sequence[str] = ()


@dataclass(frozen=True)
class Contents:
    """Contents of the page.

    Attributes
    ----------
    title
        Names the studies that were run.
    studies
        In the order of the config.
    calculations, failures
        Rows of :func:`defectra.report.calculations.summary`.
    versions
        Program or library, and its version.
    others
        Studies that were not run.
    sources
        Files that say what was asked for and computed, from the folder of results.
    """

    title: str
    studies: Sequence[Study]
    calculations: Sequence[Mapping[str, Any]] = ()
    failures: Sequence[Mapping[str, Any]] = ()
    versions: Sequence[tuple[str, str]] = ()
    others: Sequence[Recorded] = ()
    sources: Sequence[str] = ()


def read_study(name: str, of_run: OfRun) -> Study:
    """One study as its files are now; what it did not make is left out.

    Parameters
    ----------
    of_run
        Which files are of this run; its folder holds ``<study>/``.
    """
    results = of_run.results
    folder, own = results / name, study_folder(name)
    title, question = _readme(own / "README.md", name)
    figures = sorted((folder / "figures").glob("*.png"))
    tables = sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")])
    return Study(
        name,
        title,
        question,
        _rows(folder / "scorecard.csv", SCORECARD_COLUMNS),
        _rows(folder / "checks.csv", CHECK_COLUMNS),
        [read_figure(path, name) for path in figures if path in of_run],
        [str(path.relative_to(results)) for path in tables if path in of_run],
        [str(p.relative_to(results)) for p in (*figures, *tables) if p not in of_run],
    )


def _readme(path: Path, name: str) -> tuple[str, str]:
    if not path.is_file():
        return name, ""
    return paragraph_of_markdown(path.read_text(encoding="utf-8"))


def _rows(path: Path, columns: Sequence[str]) -> list[Row]:
    """Rows of a csv that is there; a damaged one is an error that names it."""
    return read_csv(str(path), list(columns)) if path.is_file() else []


def caption_file(study: str, stem: str) -> Path:
    """Caption of a figure.

    Returns
    -------
    ``captions/<figure>_figure.rst``, where a table has the name of the figure, or
    ``captions/<figure>.rst``.
    """
    captions = study_folder(study) / "captions"
    own = captions / f"{stem}_figure.rst"
    return own if own.is_file() else captions / f"{stem}.rst"


def read_figure(path: Path, study: str) -> Figure:
    """A figure with its caption.

    Raises
    ------
    DefectraError
        If it has none: a figure that nobody explains is not shown.
    """
    caption = caption_file(study, path.stem)
    if not caption.is_file():
        raise DefectraError(f"{path}: the figure has no caption; write {caption}")
    raw = path.read_bytes()
    image = base64.b64encode(raw).decode()
    width, height = (int.from_bytes(raw[k : k + 4], "big") for k in (16, 20))  # header of a PNG
    paper_px = round(width * SCREEN_DPI / style.DPI)
    title, text = caption_of_rst(caption.read_text(encoding="utf-8"), caption)
    return Figure(
        f"{study}-{path.stem}",
        title or re.sub("[_-]+", " ", path.stem).capitalize(),
        (width, height),
        f"data:image/png;base64,{image}",
        text,
        width > WIDE,
        paper_px if paper_px > SHRUNK * PAGE_PX else 0,
        [f"{study}/figures/{p.name}" for p in map(path.with_suffix, BESIDE) if p.is_file()],
    )


def number(value: float | str, digits: int = 3) -> str:
    """A number as it is shown: `digits` digits, whole ones whole; what is no number is a dash."""
    if isinstance(value, str):
        return value or "–"
    if not math.isfinite(value):
        return "–"
    whole = float(value).is_integer() or abs(value) >= 10**digits
    return (f"{value:.0f}" if whole else f"{value:.{digits}g}").replace("-", "−")


def published(row: Mapping[str, Any]) -> str:
    """What a paper prints, with the tolerance; a claim without a number is one in words."""
    shown, tolerance = number(row["published"]), number(row["tolerance"])
    if shown == "–":
        return "in words"
    return shown if tolerance == "–" else f"{shown} ± {tolerance}"


def interval(row: Mapping[str, Any]) -> str:
    """Interval of a row; empty where it has none, or where the number is exact."""
    low, high = number(row["lo"]), number(row["hi"])
    return "" if low == high else f"{low} to {high}"


def text(value: Any) -> str:
    """A field of text; an empty one that was read as a number is empty again."""
    return "" if isinstance(value, float) and math.isnan(value) else str(value)


def by_verdict(rows: Iterable[Mapping[str, Any]], order: Sequence[str]) -> list[Mapping[str, Any]]:
    """Rows in the order of their verdicts, else as they stood."""
    rank = {str(verdict): k for k, verdict in enumerate(order)}
    return sorted(rows, key=lambda row: rank.get(row["verdict"], len(rank)))
