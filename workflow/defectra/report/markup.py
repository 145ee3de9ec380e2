"""Captions (reStructuredText) and the first lines of a README (Markdown) as HTML and text."""

from __future__ import annotations

import html
import re
from pathlib import Path

from defectra.core.errors import DefectraError

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_WARNING = 2  # docutils: levels of its messages


def caption_of_rst(text: str, path: Path) -> tuple[str, str]:
    """Title and text of a caption, as HTML.

    Parameters
    ----------
    path
        Where it stands, for messages.

    Returns
    -------
    title, text
        The title is empty if the caption begins without one.

    Raises
    ------
    DefectraError
        If docutils finds a mistake: none is shown in a report.
    """
    from docutils.core import publish_parts
    from docutils.utils import SystemMessage

    settings = {
        "halt_level": _WARNING,
        "report_level": _WARNING + 3,
        "raw_enabled": False,
        "file_insertion_enabled": False,
    }
    try:
        parts = publish_parts(
            text, source_path=str(path), writer="html5", settings_overrides=settings
        )
    except SystemMessage as error:
        raise DefectraError(f"{path}: not reStructuredText ({error})") from None
    return html.unescape(str(parts["title"])), str(parts["fragment"])


def paragraph_of_markdown(text: str) -> tuple[str, str]:
    """Title and first paragraph of a README, as plain text.

    Returns
    -------
    title, paragraph
        Without marks of Markdown; empty if there is none.
    """
    blocks = [block.strip() for block in text.split("\n\n") if block.strip()]
    if not blocks:
        return "", ""
    head, _, rest = blocks[0].partition("\n")
    after = [rest] if rest.strip() else blocks[1:]
    first = next((block for block in after if not block.startswith(("#", "|", "!", "```"))), "")
    return _plain(head.lstrip("# ")), _plain(first)


def _plain(text: str) -> str:
    return " ".join(_LINK.sub(r"\1", text).replace("`", "").replace("**", "").split())
