"""Measured files on the command line, as `look` and `predict` take them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from defectra.core.errors import DefectraError

if TYPE_CHECKING:
    from defectra.spectra.measured_columns import Choice


def add_spectra(command: argparse.ArgumentParser) -> None:
    """What `look` and `predict` read: files, columns, scans."""
    command.add_argument("spectra", nargs="*", type=Path, help="measured files")
    text = "columns by number, name or formula, e.g. energy=1 mu='ln(I0/It)' unit=keV"
    command.add_argument("--columns", nargs="+", metavar="WHICH=COLUMN", help=text)
    command.add_argument("--scan", default="", help="name or number, if a file holds several scans")


def spectra_of(chosen: argparse.Namespace) -> tuple[list[Path], Choice | None]:
    """Files and columns; a word without ``=`` after ``--columns`` is a file."""
    from defectra.spectra.measured_columns import choice

    words = chosen.columns or []
    files = [*chosen.spectra, *(Path(w) for w in words if "=" not in w)]
    if not files:
        raise DefectraError("no spectrum is named")
    return files, choice([w for w in words if "=" in w]) if words else None
