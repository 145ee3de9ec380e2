"""Names of the published files of OmniXAS in the data registry."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from defectra.studies.xanes.settings import FEFF_RUNS

XAS = "spectra/omnixas"


def xas_lists(elements: Iterable[str], engines: Iterable[str]) -> list[str]:
    """Lists of sites, e.g. of Cu and VASP."""
    return [f"{XAS}/material_id_and_site/{part}.txt" for part in _parts(elements, engines)]


def xas_tables(elements: Iterable[str], engines: Iterable[str]) -> list[str]:
    """Tables of spectra, in step with the lists."""
    return [f"{XAS}/ml_data/{part}_y.txt.gz" for part in _parts(elements, engines)]


def spectra_below(folder: str) -> list[Path]:
    """Spectra of FEFF and their inputs below a folder of finished runs, sorted."""
    found = (p for name in FEFF_RUNS for p in Path(folder).rglob(name))
    return sorted(p for p in found if p.is_file())


def _parts(elements: Iterable[str], engines: Iterable[str]) -> list[str]:
    codes = list(engines)
    return [f"{e}_{c}_{p}" for e in elements for c in codes for p in ("test", "val")]
