"""A measured file to a checked spectrum: the one way in."""

from __future__ import annotations

from pathlib import Path

from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.edges_seen import check_xray, eels_edges, name_says
from defectra.spectra.measured_formats import read_file
from defectra.spectra.measured_spectrum import Measured, SpectrumError, cleaned

ELEMENTS = ("O", "Mn", "Co", "Ni")  # of the layered oxides: what EELS lines are compared with


def read_measured(
    path: Path, wanted: str | None = None, elements: tuple[str, ...] = ELEMENTS
) -> Measured:
    """Read and check a measured spectrum.

    Parameters
    ----------
    wanted
        Edge that it is meant to be, e.g. ``Ni K``; by default what the file says.
    elements
        Elements whose edges an EELS spectrum may show.

    Raises
    ------
    SpectrumError
        If the file cannot be read, a check fails, or its name disagrees with what it shows.
    """
    path = Path(path)
    spectrum = cleaned(read_file(path))
    if spectrum.kind == "counts":
        check_eels(spectrum, path, wanted, elements)
    else:
        check_xray(spectrum, wanted)
    return spectrum


def check_eels(
    spectrum: Measured, path: Path, wanted: str | None, elements: tuple[str, ...]
) -> list[str]:
    """Edges that an EELS spectrum shows, in order of energy.

    Raises
    ------
    SpectrumError
        If the element in the file name or in `wanted` is not the first edge that it shows: a
        file that was cut out for one edge begins with it.
    """
    seen = [line.edge for line in eels_edges(spectrum, elements)]
    shown = ", ".join(seen) or f"no edge of {', '.join(elements)}"
    name = name_says(path)
    if name in elements and (not seen or seen[0].split()[0] != name):
        raise SpectrumError(f"{path.name}: the name says {name}, the spectrum shows {shown}")
    if wanted and wanted not in seen:
        raise SpectrumError(f"{path.name}: {wanted} was asked for, the spectrum shows {shown}")
    return seen


def look(path: Path, wanted: str | None = None) -> str:
    """What a file holds, in one line."""
    spectrum = read_measured(path, wanted)
    first, last = spectrum.energy[[0, -1]]
    told = f"{len(spectrum.energy)} energies from {first:.1f} to {last:.1f} eV, {spectrum.kind}"
    if spectrum.kind == "counts":
        seen = check_eels(spectrum, path, wanted, ELEMENTS)
        told += f", edges: {', '.join(seen) or 'none'}"
    else:
        flat = normalise(spectrum)
        told += f", {check_xray(spectrum, wanted) or 'unknown edge'}, steepest at {flat.e0:.1f} eV"
        told += f", step {flat.step:.3g}"
    return "; ".join([told, *spectrum.notes])
