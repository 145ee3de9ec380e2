"""Words of Snakemake's command line by which it looks, and makes nothing."""

from __future__ import annotations

from itertools import takewhile

UNLOCK = "--unlock"
# Commands that only read: no lock, no log, no report.
_READING = set(
    "-n --dry-run --dryrun --lint -l --list --list-rules --lt --list-target-rules -S --summary "
    "-D --detailed-summary --dag --rulegraph --filegraph --d3dag --print-compilation --lc "
    "--list-changes --list-input-changes --li --list-params-changes --lp --list-untracked --lu "
    "--list-conda-envs -v --version".split()
)
# Options of one letter without a value (Snakemake 9.27): they may stand together, `-np`.
_FLAGS = "nkfFtapSDlv"


def reads(word: str) -> bool:
    """Whether a word makes Snakemake look only, alone or among letters that stand together.

    What follows a letter that takes a value is that value: ``-qn`` is quiet about ``n``.
    """
    if word.split("=", maxsplit=1)[0] in _READING:
        return True
    together = word[1:] if word.startswith("-") and not word.startswith("--") else ""
    return any(f"-{letter}" in _READING for letter in takewhile(_FLAGS.__contains__, together))
