"""What an earlier run of a study found, as its README records it: for studies outside a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from defectra.core.errors import DefectraError
from defectra.core.studies import study_folder
from defectra.report.marked import within
from defectra.report.markup import paragraph_of_markdown
from defectra.report.outcomes import MARKS

Row = dict[str, str]


@dataclass(frozen=True)
class Recorded:
    """A study that is not part of a run.

    Attributes
    ----------
    name, title
        Name of its folder; title of its ``README.md``.
    claims, checks
        Rows ``claim`` or ``check``, ``published`` or ``bound``, ``found``, ``verdict``.
    """

    name: str
    title: str
    claims: Sequence[Row] = ()
    checks: Sequence[Row] = ()


def recorded(name: str) -> Recorded:
    """What the README of a study records; without rows if it records nothing.

    Raises
    ------
    DefectraError
        If a row of its tables has another number of fields than their head.
    """
    readme = study_folder(name) / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    try:
        tables = list(_tables(within(text, MARKS)))
    except ValueError:
        raise DefectraError(
            f"{readme}: a row between {MARKS[0]} and {MARKS[1]} has another number of fields than "
            f"its table; write it again: python -m defectra.report.outcomes RESULTS {name}"
        ) from None
    first = {next(iter(rows[0])): rows for rows in tables if rows}
    title, _ = paragraph_of_markdown(text)
    return Recorded(name, title or name, first.get("claim", ()), first.get("check", ()))


def _tables(text: str) -> Iterator[list[Row]]:
    """Tables of a text in Markdown: rows by the words of their head."""
    for block in text.strip().split("\n\n"):
        lines = [
            [cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in block.splitlines()
            if line.startswith("|")
        ]
        if len(lines) > 1:
            yield [dict(zip(lines[0], cells, strict=True)) for cells in lines[2:]]
