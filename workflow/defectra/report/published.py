"""Figures and tables of the papers: what each is, the target that makes ours, or what it lacks.

``resources/published.csv`` holds them, ``resources/published_papers.csv`` the papers;
``python -m defectra.report.published page`` writes ``docs/published.md`` from both. The lists of
figures were not available: rows are what abstracts, repositories and our studies say that the
papers show, named by a word; column `number` is for the number in the paper, once it is known.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from defectra.core.errors import ConfigError, meant, reports_errors
from defectra.core.paths import PROJECT
from defectra.core.store import write_bytes
from defectra.core.studies import study_names

TABLE = PROJECT / "resources/published.csv"
PAPERS = PROJECT / "resources/published_papers.csv"
PAGE = PROJECT / "docs/published.md"
COLUMNS = ("paper", "item", "number", "shows", "file", "missing", "put")
PAPER_COLUMNS = ("paper", "title", "published", "numbers")
_HEAD = """# Figures and tables of the papers

Written by `make docs` from `resources/published.csv` and `resources/published_papers.csv`.
`make published` makes all items that can be made, `make figure FIG=PAPER:ITEM` one of them.

**The lists may be incomplete, and no figure number is known.** Abstracts, repositories and the
beginnings of public pages were read; no list of figures was among them, so each item has a word
instead of a number. Under each paper stands what was found. If you have a paper, fill in column
`number`: `make figure FIG=2203.10349:4` then works.
"""


@dataclass(frozen=True)
class Paper:
    """One paper.

    Attributes
    ----------
    paper
        ``arXiv:`` or ``doi:`` and its number.
    title, published
        Its title and journal, empty where no source was at hand.
    numbers
        Why the numbers of its figures are not known.
    """

    paper: str
    title: str
    published: str
    numbers: str


@dataclass(frozen=True)
class Item:
    """One figure or table of a paper.

    Attributes
    ----------
    paper
        ``arXiv:`` or ``doi:`` and its number.
    item, number
        Our word for it; its number in the paper, empty where nobody has looked.
    shows
        What it shows, in our words.
    file
        Target that makes ours; empty where it cannot be made.
    missing, put
        Data that are missing, and where they go.
    """

    paper: str
    item: str
    number: str
    shows: str
    file: str
    missing: str
    put: str

    @property
    def study(self) -> str:
        """Study that makes it."""
        return self.file.split("/")[1] if self.file else ""

    @property
    def name(self) -> str:
        """What `make figure FIG=` calls it."""
        return f"{self.paper.partition(':')[2]}:{self.item}"


def items(table: Path = TABLE) -> list[Item]:
    """All of the table.

    Raises
    ------
    ConfigError
        If a row neither can be made nor says what is missing, or a name is there twice.
    """
    found = [Item(*row) for row in _rows(table, COLUMNS)]
    names: set[str] = set()
    for entry in found:
        if not (entry.file or (entry.missing and entry.put)):
            raise ConfigError(f"{table}: {entry.name}: neither a file nor what is missing, and put")
        if entry.name in names:
            raise ConfigError(f"{table}: {entry.name} is there twice")
        names.add(entry.name)
    return found


def papers(table: Path = PAPERS) -> list[Paper]:
    """All papers, in the order of the page."""
    return [Paper(*row) for row in _rows(table, PAPER_COLUMNS)]


def _rows(table: Path, columns: Sequence[str]) -> list[list[str]]:
    with table.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    if rows[0] != list(columns) or any(len(row) != len(columns) for row in rows):
        raise ConfigError(f"{table}: every row has the columns {', '.join(columns)}")
    return rows[1:]


def makeable(entries: Sequence[Item], studies: Sequence[str]) -> list[str]:
    """Targets of all items that studies of this checkout make."""
    return [e.file for e in entries if e.study in studies]


def target(wanted: str, entries: Sequence[Item], studies: Sequence[str]) -> str:
    """Target of one item.

    Parameters
    ----------
    wanted
        ``2203.10349:gap``, also with ``arXiv:`` or ``doi:`` before it; a number for the word.

    Raises
    ------
    ConfigError
        If there is none: which items are known, or which data are missing.
    """
    paper, _, item = wanted.removeprefix("arXiv:").removeprefix("doi:").rpartition(":")
    if not wanted:
        raise ConfigError("name a figure: FIG=PAPER:ITEM, e.g. FIG=2203.10349:gap")
    item, known_papers = item.strip(), dict.fromkeys(e.name.rpartition(":")[0] for e in entries)
    if item in known_papers and not paper:
        there = ", ".join(e.item for e in entries if e.name.rpartition(":")[0] == item)
        raise ConfigError(f"FIG={wanted}: name an item of it, FIG={item}:ITEM; there are {there}")
    of_paper = [e for e in entries if e.name.rpartition(":")[0] == paper]
    if not of_paper:
        hint = meant(paper or item, known_papers) or ";"
        raise ConfigError(
            f"FIG={wanted}: no such paper{hint} known are {', '.join(known_papers)} "
            "(FIG=PAPER:ITEM)"
        )
    found = next((e for e in of_paper if item and item in (e.item, e.number)), None)
    if found is None:
        known = [e.item for e in of_paper]
        near = difflib.get_close_matches(item, known, 1)
        said = f"; did you mean {near[0]}?" if near else "."
        numbers = "" if any(e.number for e in of_paper) else " (their numbers are not known here)"
        raise ConfigError(
            f"FIG={wanted}: no such item{said} Items of {paper}: {', '.join(known)}{numbers}; "
            f"docs/published.md says what they are"
        )
    if not found.file:
        raise ConfigError(f"FIG={wanted}: cannot be made: {found.missing}; {found.put}")
    if found.study not in studies:
        raise ConfigError(f"FIG={wanted}: study {found.study} is not in this checkout")
    return found.file


def page(entries: Sequence[Item], described: Sequence[Paper]) -> str:
    """The page of the documentation, in Markdown."""
    lines = [_HEAD]
    for paper in described:
        own = [e for e in entries if e.paper == paper.paper]
        where = ", ".join(filter(None, [paper.paper, paper.published]))
        lines += [f"## {paper.title} ({where})" if paper.title else f"## {where}", ""]
        if any(not e.number for e in own):
            lines += [f"Numbers of the figures: {paper.numbers}", ""]
        studies = sorted({e.study for e in own if e.study})
        beside = [f"[{name}](../workflow/defectra/studies/{name}/README.md)" for name in studies]
        lines += [f"Its numbers beside ours: {', '.join(beside)}.", ""] if beside else []
        lines += ["| item | number | shows | made | missing, and where to put it |"]
        lines += ["| --- | --- | --- | --- | --- |"]
        lines += [_line(e) for e in own]
        lines.append("")
    return "\n".join(lines)


def _line(entry: Item) -> str:
    made = "cannot be made"
    if entry.file:
        made = f"`make figure FIG={entry.name}`: `{entry.file}`"
    lacks = f"{entry.missing}; {entry.put}" if entry.missing else ""
    number = entry.number or "not known"
    return f"| {entry.item} | {number} | {entry.shows} | {made} | {lacks} |"


@reports_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: `page`, `targets`, `target FIG`."""
    parser = argparse.ArgumentParser(description="Figures and tables of the papers.")
    parser.add_argument("action", choices=["page", "targets", "target"])
    parser.add_argument("figure", nargs="?", default="")
    args = parser.parse_args(arguments)
    entries, studies = items(), study_names()
    if args.action == "page":
        write_bytes(PAGE, page(entries, papers()).encode())
    elif args.action == "targets":
        print(" ".join(makeable(entries, studies)))
    else:
        print(target(args.figure, entries, studies))
    return 0


if __name__ == "__main__":
    sys.exit(main())
