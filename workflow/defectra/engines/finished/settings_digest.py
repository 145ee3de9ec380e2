"""What an input sets beside the structure and the site: runs with one digest have one protocol."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence

from defectra.core.errors import StructureError
from defectra.core.fortran import real
from defectra.engines.vasp import exchange, incar
from defectra.structures.poscar import species_of

# Of a feff.inp: the structure, the absorber and the text, whose cards and blocks do not count.
_FEFF_APART = ("TITLE", "EDGE", "HOLE", "CIF", "TARGET", "RMULTIPLIER", "CONTROL", "PRINT", "END")
_FEFF_BLOCKS = ("POTENTIALS", "ATOMS", "LATTICE")
# Of an INCAR: text, the absorber, what is by site, and how the work is shared out.
_BY_SPECIES = ("LDAUL", "LDAUU", "LDAUJ")  # in the order of the POSCAR: given by element instead
_VASP_APART = {
    *_BY_SPECIES,
    *("SYSTEM", "CLNT", "CLN", "CLL", "MAGMOM", "NCORE", "NPAR", "KPAR", "NSIM", "LPLANE"),
    *("NBANDS", "NEDOS", "CH_NEDOS", "ISTART", "ICHARG", "NWRITE", "LWAVE", "LCHARG", "LSCALU"),
}


def settings_digest(inputs: Mapping[str, str], titles: Sequence[str] = ()) -> str:
    """Eight hexadecimal digits of the settings of a run; empty if its input does not say them.

    Parameters
    ----------
    inputs
        What the engine read, by name.
    titles
        Of the potentials of VASP: a tag GGA that names their own functional changes nothing.
    """
    if "feff.inp" in inputs:
        lines = _feff(inputs["feff.inp"])
    elif "INCAR" in inputs:
        lines = _vasp(
            _without_defaults(incar.parse(inputs["INCAR"]), titles),
            inputs.get("POSCAR", ""),
            meshed="KPOINTS" in inputs,
        )
    else:
        return ""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8] if lines else ""


def _feff(text: str) -> list[str]:
    """Cards that decide numbers, sorted, numbers in one form."""
    found, in_block = [], False
    for line in text.splitlines():
        words = re.split(r"[*!#]", line)[0].upper().split()
        if not words:
            continue
        if any(words[0][:4] == name[:4] for name in _FEFF_BLOCKS):
            in_block = True
        elif in_block and re.match(r"[-+.\d]", words[0]):
            continue
        else:
            in_block = False
            if not any(words[0][:4] == name[:4] for name in _FEFF_APART):
                found.append(" ".join([words[0][:4], *map(_plain, words[1:])]))
    return sorted(found)


def _without_defaults(tags: Mapping[str, str], titles: Sequence[str]) -> dict[str, str]:
    """Tags without a functional that the run has anyway, by its potentials."""
    own = ("--", exchange.of_titles(titles))
    return {
        k: v
        for k, v in tags.items()
        if not (k == "GGA" and v.strip().upper() in own)
        and not (k == "METAGGA" and v.strip().upper() in exchange.NO_META)
    }


def _vasp(tags: Mapping[str, str], poscar: str, *, meshed: bool) -> list[str]:
    """Tags that decide numbers, sorted, numbers in one form; `meshed`: KPOINTS overrides KSPACING.

    The mesh itself and the potentials are compared run by run
    (:mod:`defectra.engines.finished.settings_beside`).
    """
    apart = _VASP_APART | ({"KSPACING", "KGAMMA"} if meshed else set())
    kept = {k: v for k, v in tags.items() if k not in apart}
    lines = [f"{k}={' '.join(map(_plain, v.upper().split()))}" for k, v in kept.items()]
    return sorted([*lines, *_by_element(tags, poscar)])


def _by_element(tags: Mapping[str, str], poscar: str) -> Iterator[str]:
    """Hubbard parameters by element, those without left out; an absorber is one of its element."""
    try:
        names = species_of(poscar, [])[0]
    except StructureError:
        names = []
    for tag in _BY_SPECIES:
        values = tags.get(tag, "").split()
        if len(values) == len(names):
            pairs = {(e, _plain(v)) for e, v in zip(names, values)}
            yield from (f"{tag} {e}={v}" for e, v in pairs if v not in ("0", "-1"))
        elif values:
            yield f"{tag}={' '.join(map(_plain, values))}"


def _plain(word: str) -> str:
    """A number in one form, whatever it is written like; ``.TRUE.`` as ``T``."""
    try:
        return f"{real(word):.10g}"
    except ValueError:
        return {".TRUE.": "T", ".FALSE.": "F"}.get(word, word)
