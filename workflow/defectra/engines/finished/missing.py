"""What imported spectra lack before they can be used in a table, and which file brings it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from defectra.core.records import Status
from defectra.engines.finished.structures import UP

_ONE = {"runs": "run", "spectra": "spectrum", "structures": "structure"}
_STRUCTURE = {  # file with the cell, by engine
    "xspectra": "the input of pw.x that its input names",
    "exciting": "input.xml",
    "gpaw_corehole": "job.json",
    "fdmnes": "the input with its list of atoms",
}
_SITE = {  # what says which atom absorbs, by engine
    "feff": "feff.inp",
    "vasp": "INCAR with CLNT, and POSCAR",
    "fdmnes": "the input with `Absorber`",
    "xspectra": "the input with `xiabs`",
    "exciting": "input.xml",
    "gpaw_corehole": "job.json",
}
NEARBY = f"CIF, POSCAR or CONTCAR in the folder of the run or up to {UP} above"
Row = Mapping[str, Any]


def counted(number: int, what: str) -> str:
    """Number and noun: ``1 run``, ``2 runs``."""
    return f"{number} {_ONE[what] if number == 1 else what}"


def missing(calculations: Iterable[Row], imports: Iterable[Row]) -> list[str]:
    """A sentence for each engine and for each thing that its spectra lack, the file named.

    Parameters
    ----------
    calculations, imports
        Rows of the tables of these names; one that failed has no spectrum and does not count.
    """
    told = {row["calculation_id"]: row.get("paired_by", "") for row in imports}
    lacking: Counter[tuple[str, str, str]] = Counter()
    for row in calculations:
        if row["status"] == Status.FAILED or (row["structure_id"] and row["site"]):
            continue
        what = "site" if row["structure_id"] else "structure"
        lacking[row["engine"], what, told.get(row["calculation_id"], "")] += 1
    return [
        f"{counted(number, 'spectra')} of {engine} without {_A[what]}, which `defectra table` "
        f"needs ({why or 'nothing says it'}); missing: {_file(engine, what)}"
        for (engine, what, why), number in sorted(lacking.items())
    ]


_A = {"structure": "a structure", "site": "an absorbing site"}


def _file(engine: str, what: str) -> str:
    if what == "site":
        return _SITE.get(engine, "the input of the run")
    own = _STRUCTURE.get(engine, "")
    return f"{own}, or {NEARBY}" if own else NEARBY
