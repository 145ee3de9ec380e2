"""Abbreviations of the field are spelled out where they are used.

An abbreviation in the docstring of a module is spelled out in that docstring; one in another
docstring of the module is spelled out in a docstring of the module or of its package (the terms in
the ``__init__.py`` of the folder or of the folder above, below `defectra` itself).
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "workflow" / "defectra"
TERMS = {
    "AUROC": "area under the (receiver|ROC)",
    "BSE": "Bethe.Salpeter",
    "CBM": "conduction.band minimum",
    "CDF": "cumulative distribution",
    "CWT": "continuous wavelet",
    "DFT": "density.functional theory",
    "EELS": "electron energy.loss",
    "FMS": "full multiple scattering",
    "FWHM": "full width at half maximum",
    "GP": "Gaussian process",
    "HSE|HSE06": r"Heyd\W+Scuseria\W+(and )?Ernzerhof",
    "LDA": "local.density approximation",
    "MAE": "mean absolute error",
    "MA|FA": "methylammonium",
    "NMC": "nickel.*manganese.*cobalt",
    "PAW": "projector.augmented.wave",
    "PBE": r"Perdew\W+Burke\W+(and )?Ernzerhof",
    "PCA": "principal component",
    "RMS": "root.mean.square",
    "RMSE": "root.mean.square(d)? error",
    "RPA": "random.phase approximation",
    "SCF": "self.consistent field",
    "SLME": "spectroscopic limited maximum efficiency",
    "SOC": "spin.orbit coupling",
    "SQS": "special quasi.?random",
    "VBM": "valence.band maximum",
    "XANES": "X-ray absorption near.edge",
    "XAS": "X-ray absorption spectr",
    "XCH": "excited (electron and )?core hole",
    "XDI": "XAS Data Interchange",
    "XRD": "X-ray diffraction",
    "eFNV": "Freysoldt, Neugebauer (and|,) Van de Walle",
}


def spelled_out(term: str, text: str) -> bool:
    """Whether a text gives the full form, wherever its lines break."""
    return bool(re.search(TERMS[term], " ".join(text.split()), re.IGNORECASE | re.DOTALL))


def used(text: str) -> list[str]:
    """Terms of the list that a text uses; not as a part of a longer word or of code."""
    text = re.sub(r"`+[^`]+`+", " ", text)
    return [t for t in TERMS if re.search(rf"(?<![\w.])({t})(?![\w.]*\w)", text)]


def lacking(module: str, others: str, package: str) -> list[str]:
    """Terms that nobody spells out, of a module docstring and of the other docstrings below it."""
    first = [t for t in used(module) if not spelled_out(t, module)]
    whole = "\n".join((module, others, package))
    return first + [t for t in used(others) if t not in first and not spelled_out(t, whole)]


def docstrings(path: Path) -> tuple[str, str]:
    """Docstring of a module, and all others in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    inner = [ast.get_docstring(n) or "" for n in ast.walk(tree) if isinstance(n, kinds)]
    return ast.get_docstring(tree) or "", "\n".join(inner)


def test_modules_spell_out_their_abbreviations():
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module, others = docstrings(path)
        folders = [f for f in list(path.parents)[:2] if PACKAGE in f.parents]
        inits = [f / "__init__.py" for f in folders]
        package = "\n".join(docstrings(p)[0] for p in inits if p.exists() and p != path)
        if terms := lacking(module, others, package):
            found[str(path.relative_to(PACKAGE))] = terms
    assert not found, found


@pytest.mark.parametrize(
    ("module", "others", "package", "terms"),
    [
        ("Levels by HSE06.", "", "HSE: Heyd-Scuseria-Ernzerhof", ["HSE|HSE06"]),
        ("Levels.", "Levels by HSE.", "HSE: a hybrid functional", ["HSE|HSE06"]),
        ("Levels.", "Levels by HSE.", "HSE: Heyd-Scuseria-\nErnzerhof", []),
        ("Full multiple scattering (FMS).", "The FMS radius.", "", []),
        ("Rows of `MA` and ``FMS``.", "XASProject, RMS_1, a.GP", "", []),
    ],
)
def test_the_rule(module, others, package, terms):
    assert lacking(module, others, package) == terms
