"""Spectra and tables that are made for the tests, and what an import found of them."""

from pathlib import Path

import numpy as np

DATA = Path(__file__).parent.parent / "data" / "reading"
LCO = Path(__file__).parent.parent / "data" / "feff_lco"
X = np.linspace(-20.0, 40.0, 121)
MU = 0.5 + np.arctan(X / 2) / np.pi


def table(*columns, header=""):
    rows = (" ".join(f"{v:.8E}" for v in row) for row in zip(*columns))
    return header + "\n".join(rows) + "\n"


def only(found):
    assert len(found.imports) == 1, [(r["source"], r["message"]) for r in found.imports]
    row = found.imports[0]
    return row, found.calculations[row["calculation_id"]]


def rows_of(found):
    return {r["source"].split("/")[-1]: r for r in found.imports}


def spectrum(found, row):
    return np.array(found.spectra[row["calculation_id"]]["mu"])
