"""Pages whose tables a program writes: what stands between two marks is replaced."""

from __future__ import annotations

from pathlib import Path

from defectra.core.errors import ConfigError
from defectra.core.store import write_bytes


def between(text: str, marks: tuple[str, str], new: str, where: Path) -> str:
    """A text with `new` between its marks.

    Parameters
    ----------
    marks
        Lines before and after.
    where
        File of the text, for the message.

    Raises
    ------
    ConfigError
        If one of the marks is not there.
    """
    first, last = marks
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end):
        raise ConfigError(f"{where}: the lines {first} and {last} are missing")
    return f"{before}{first}\n{new}\n{last}{after}"


def within(text: str, marks: tuple[str, str]) -> str:
    """What stands between the marks of a text; nothing where one of them is missing."""
    _, _, rest = text.partition(marks[0])
    found, end, _ = rest.partition(marks[1])
    return found if end else ""


def put(path: Path, marks: tuple[str, str], new: str) -> None:
    """Replace what stands between the marks of a page.

    Raises
    ------
    ConfigError
        If one of the marks is not there.
    """
    text = between(path.read_text(encoding="utf-8"), marks, new, path)
    write_bytes(path, text.encode())
