"""Finished runs made elsewhere as results: what the config's `parsed` folders hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from defectra.campaign.ledger import Result
from defectra.core.errors import EngineError
from defectra.core.records import SPECTRA, Status
from defectra.engines.finished.importing import import_tree


def parsed_spectra(folders: Iterable[str | Path]) -> dict[str, Result]:
    """Spectra below some folders by `calculation_id`, failed ones left out.

    A run whose input is that of a request has its id, and stands for it.

    Raises
    ------
    EngineError
        ``missing_output`` if there is no such folder, or no run of a spectrum below it.
    """
    out: dict[str, Result] = {}
    for folder in folders:
        found = import_tree(Path(folder))
        if not found.calculations:
            raise EngineError(
                "missing_output",
                f"{folder}: no finished run of a spectrum in it or below; name the folder of the "
                f"runs (`parsed` of the config); `defectra import {folder}` says what was found",
            )
        for name, row in found.calculations.items():
            if row["status"] != Status.FAILED and name in found.spectra:
                out.setdefault(name, Result(row, {SPECTRA.name: found.spectra[name]}))
    return out
