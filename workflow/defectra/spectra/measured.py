"""A measured file to a checked spectrum: the one way in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.edges_seen import check_xray, eels_edges, name_says, other_steps
from defectra.spectra.measured_columns import UNNAMED, Choice
from defectra.spectra.measured_formats import pick, read_scans
from defectra.spectra.measured_spectrum import IN_KEV, Measured, SpectrumError, as_read, cleaned

ELEMENTS = ("O", "Mn", "Co", "Ni")  # of the layered oxides: what EELS lines are compared with


def read_measured(
    path: Path,
    wanted: str | None = None,
    elements: tuple[str, ...] = ELEMENTS,
    chosen: Choice | None = None,
    scan: str = "",
) -> Measured:
    """Read and check a measured spectrum.

    Parameters
    ----------
    wanted
        Edge that it is meant to be, e.g. ``Ni K``; by default what the file says.
    elements
        Elements whose edges an EELS spectrum may show.
    chosen
        Columns that the user chose.
    scan
        Which spectrum of the file, if it holds several.

    Raises
    ------
    SpectrumError
        If the file cannot be read, a check fails, or its name disagrees with what it shows.
    """
    path = Path(path)
    return checked(pick(read_scans(path, chosen), scan), path, wanted, elements)


def checked(
    raw: Measured, path: Path, wanted: str | None = None, elements: tuple[str, ...] = ELEMENTS
) -> Measured:
    """A spectrum as it was read, cleaned and checked as :func:`read_measured` does."""
    try:
        spectrum = cleaned(raw)
    except SpectrumError as error:
        raise SpectrumError(f"{error}{as_read(raw)}") from None
    if spectrum.kind == "counts":
        check_eels(spectrum, path, wanted, elements)
    elif not check_xray(spectrum, wanted) and UNNAMED in spectrum.notes:
        kev = f" ({IN_KEV})" if IN_KEV in spectrum.notes else ""
        raise SpectrumError(
            f"two columns without names, read column 1 as energy{kev}, and no absorption edge "
            "where the second one rises: are they energies and absorption? Then: --columns "
            "energy=1 mu=2; or the other way round: --columns energy=2 mu=1"
        )
    return spectrum


def each(
    paths: Sequence[Path], chosen: Choice | None, scan: str, wanted: str | None
) -> Iterator[tuple[str, Callable[[], Measured]]]:
    """Every spectrum of many files: its name, and what gives it or raises `SpectrumError`.

    A file that cannot be used is one such spectrum; it never ends the others.
    """
    for path in paths:
        try:
            found = read_scans(path, chosen)
            found = [pick(found, scan)] if scan else found
        except SpectrumError as error:
            yield str(path), partial(_refused, error)
            continue
        for raw in found:
            name = f"{path} [{raw.label}]" if len(found) > 1 else str(path)
            yield name, partial(checked, raw, path, wanted)


def _refused(error: SpectrumError) -> Measured:
    raise error


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
    """What a file with one spectrum holds, in one line."""
    return description(read_measured(path, wanted), path, wanted)


def description(spectrum: Measured, path: Path, wanted: str | None = None) -> str:
    """What a checked spectrum is, in one line."""
    first, last = spectrum.energy[[0, -1]]
    text = f"{len(spectrum.energy)} energies from {first:.1f} to {last:.1f} eV, {spectrum.kind}"
    notes = list(spectrum.notes)
    if spectrum.kind == "counts":
        seen = check_eels(spectrum, path, wanted, ELEMENTS)
        text += f", edges: {', '.join(seen) or 'none'}"
    else:
        flat = normalise(spectrum)
        text += f", {check_xray(spectrum, wanted) or 'unknown edge'}, steepest at {flat.e0:.1f} eV"
        text += f", step {flat.step:.3g}"
        notes += flat.notes
        others = ", ".join(f"{e:.0f}" for e in other_steps(spectrum, flat.e0))
        notes += [f"further steps at {others} eV: another edge, or noise"] if others else []
    return "; ".join([text, *notes])
