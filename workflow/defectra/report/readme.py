"""Table of the studies in the README of the project: ``python -m defectra.report.readme``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from defectra.core.errors import reports_errors
from defectra.core.paths import PROJECT, need_checkout
from defectra.core.store import write_bytes
from defectra.core.studies import study_folder, study_names
from defectra.report.marked import between
from defectra.report.markup import paragraph_of_markdown

README = PROJECT / "README.md"
MARKS = ("<!-- studies: written by `make docs` -->", "<!-- end of studies -->")


def question(paragraph: str) -> str:
    """First sentence that asks something, in one line."""
    text = " ".join(paragraph.split())
    asked, mark, _ = text.partition("?")
    return asked.rsplit(". ", 1)[-1] + mark


def table(studies: Iterable[str]) -> str:
    """One row a study: the command, the page of the study, what it asks."""
    lines = ["| command | study | asks |", "| --- | --- | --- |"]
    for name in studies:
        path = study_folder(name) / "README.md"
        title, paragraph = paragraph_of_markdown(path.read_text(encoding="utf-8"))
        page = path.relative_to(PROJECT)
        short = re.sub(rf"^`?{name}`?: ", "", title, flags=re.IGNORECASE)
        lines.append(
            f"| `make {name}` | [{short[:1].upper()}{short[1:]}]({page}) | {question(paragraph)} |"
        )
    return "\n".join(lines)


def with_studies(text: str, studies: Iterable[str]) -> str:
    """The README with the table of these studies.

    Raises
    ------
    ConfigError
        If the lines between which it stands are not there.
    """
    return between(text, MARKS, table(studies), README)


@reports_errors
def main() -> int:
    """Write the table anew."""
    need_checkout()
    text = README.read_text(encoding="utf-8")
    write_bytes(README, with_studies(text, study_names()).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
