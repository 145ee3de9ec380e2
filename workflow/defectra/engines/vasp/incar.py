"""INCAR tags as VASP reads them, and what the OUTCAR repeats of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from defectra.core.errors import EngineError

CORE_TAGS = ("ICORELEVEL", "CLNT", "CLN", "CLL", "CLZ", "CH_LSPEC", "CH_NEDOS", "NEDOS")
_TAG = re.compile(r"([A-Za-z]\w*)\s*=\s*(.*)", re.S)


def parse(text: str) -> dict[str, str]:
    """Tags (upper case) and their values; the first of two, as VASP takes it.

    ``;`` separates tags, ``#`` and ``!`` begin a comment, a backslash goes on in the next line.
    """
    joined = re.sub(r"\\\s*\n", " ", text.replace("\r\n", "\n"))
    out: dict[str, str] = {}
    for line in joined.splitlines():
        for part in re.split(r"[#!]", line)[0].split(";"):
            found = _TAG.match(part.strip())
            if found:
                out.setdefault(found.group(1).upper(), found.group(2).strip())
    return out


def of_outcar(text: str) -> dict[str, str]:
    """The core-level tags that an OUTCAR repeats."""
    out: dict[str, str] = {}
    for tag in CORE_TAGS:
        found = re.search(rf"(?<![A-Za-z_]){tag}\s*=\s*([-+.\w]+)", text, re.I)
        if found:
            out[tag] = found.group(1)
    return out


def integer(tags: Mapping[str, str], tag: str) -> int | None:
    """A whole number; None if the tag is not there.

    Raises
    ------
    EngineError
        ``bad_output`` if it is none.
    """
    value = tags.get(tag, "").split()
    if not value:
        return None
    if not re.fullmatch(r"[-+]?\d{1,9}", value[0]):
        raise EngineError("bad_output", f"tag {tag} = {value[0]!r} is no whole number")
    return int(value[0])


def true(tags: Mapping[str, str], tag: str) -> bool | None:
    """A logical; None if the tag is not there."""
    value = tags.get(tag, "").strip().strip(".").upper()[:1]
    return None if not value else value == "T"


def asks_for_spectrum(tags: Mapping[str, str]) -> bool:
    """Whether the tags ask for a core-hole spectrum."""
    spectrum = true(tags, "CH_LSPEC")
    value = tags.get("ICORELEVEL", "").split()
    return spectrum if spectrum is not None else value[:1] == ["2"]
