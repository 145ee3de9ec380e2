"""``defectra predict`` with a model of several edges: the files are edges of one sample."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DefectraError
from defectra.core.number_types import number
from defectra.learn.edges_model import EdgesModel, TargetAnswer
from defectra.learn.predict import WHITE_LINE
from defectra.spectra.edge_normalisation import normalise, without_background
from defectra.spectra.edges_seen import eels_edges
from defectra.spectra.measured import ELEMENTS, read_measured
from defectra.spectra.measured_columns import Choice
from defectra.spectra.measured_spectrum import Measured, SpectrumError, on_grid

Floats = NDArray[np.float64]


def files_by_edge(words: Sequence[str], model: EdgesModel) -> dict[str, tuple[Path, float | None]]:
    """Files and shifts (eV) by edge from words ``EDGE=FILE`` or ``EDGE=FILE@SHIFT``.

    Raises
    ------
    DefectraError
        If an edge is not named, not known, or named twice, or a shift is no number.
    """
    out: dict[str, tuple[Path, float | None]] = {}
    known = ", ".join(model.about.edges)
    if not words:
        raise DefectraError(f"no spectrum is named; e.g. '{model.about.edges[-1]}=my.dat'")
    for word in words:
        edge, there, rest = word.partition("=")
        if there and edge not in model.about.edges and not Path(word).is_file():
            raise DefectraError(f"{word}: this model does not know {edge}, but {known}")
        if not there or edge not in model.about.edges:
            raise DefectraError(
                f"{word}: say which edge it is, e.g. 'Ni K={word.rpartition('=')[2]}'; "
                f"this model knows {known}"
            )
        if edge in out:
            raise DefectraError(f"{edge} is named twice; one spectrum of each edge")
        name, at, shift = rest.rpartition("@")
        try:
            out[edge] = (Path(name), number(shift)) if at else (Path(rest), None)
        except ArgumentTypeError:
            raise DefectraError(f"{word}: {shift!r} behind @ is no shift in eV") from None
    return out


def curve(model: EdgesModel, edge: str, spectrum: Measured, shift: float) -> Floats:
    """Normalised absorption of an edge on the grid of the model, moved by `shift` (eV).

    Raises
    ------
    SpectrumError
        If it does not cover the grid, shows another edge, or holds nothing there.
    """
    if spectrum.kind == "counts":
        lines = [x for x in eels_edges(spectrum, ELEMENTS) if x.edge == edge]
        if not lines:
            raise SpectrumError(f"the spectrum shows no {edge}")
        flat = without_background(spectrum, lines[0].energy - WHITE_LINE)
    else:
        found = normalise(spectrum)
        flat = replace(spectrum, energy=found.energy, mu=found.for_model)
    values = on_grid(replace(flat, energy=flat.energy + shift), model.grid(edge))
    if not values.sum() > 0:
        raise SpectrumError(f"{edge}: no absorption on the grid of the model; wrong shift?")
    return values


def predict_edges(
    model: EdgesModel,
    name: Path,
    words: Sequence[str],
    shift: float | None,
    shift_sd: float | None,
    chosen: Choice | None = None,
    scan: str = "",
) -> int:
    """Answer for one sample; 1 if it has no interval.

    Parameters
    ----------
    shift, shift_sd
        Of the energies, and its standard deviation, eV; None: not said.
    chosen, scan
        Columns of every file, and which spectrum of it, as `read_measured` takes them.

    Raises
    ------
    DefectraError
        If a file cannot be used.
    """
    files = files_by_edge(words, model)
    spectra = {}
    for edge, (path, own) in files.items():
        moved = (own if own is not None else shift or 0.0) + model.shift(edge)
        try:
            read = read_measured(path, edge, chosen=chosen, scan=scan)
            spectra[edge] = curve(model, edge, read, moved)
        except SpectrumError as error:
            raise SpectrumError(f"{path}: {error}") from None
    print(f"{name}: {', '.join(model.about.targets)} from {' + '.join(spectra)}")
    print(f"  trained on {model.about.trained_on}")
    unknown = [e for e, (_, own) in files.items() if own is None and shift is None]
    reasons = doubts(model, unknown, shift_sd, model.outside(spectra))
    for answer in model.predict(spectra):
        print(f"  {sentence(answer, certain=not reasons)}")
    for reason in reasons:
        print(f"  no interval: {reason}")
    return int(bool(reasons))


def doubts(
    model: EdgesModel, unknown: Sequence[str], shift_sd: float | None, far: dict[str, float]
) -> list[str]:
    """Why the held-out errors do not hold for a sample."""
    out = []
    if unknown or shift_sd is None:
        which = ", ".join(unknown) or "all edges"
        out.append(
            f"it is not said how the axis was calibrated ({which}): state --shift EV "
            "--shift-sd EV, or EDGE=FILE@SHIFT and --shift-sd"
        )
    elif not 0 <= shift_sd <= model.about.jitter:
        out.append(
            f"the axis is known within {shift_sd:g} eV only; the model was trained for "
            f"{model.about.jitter:g} eV"
        )
    out += [
        f"{edge} lies {value:.1f} times as far from the training spectra as these from each other"
        for edge, value in far.items()
        if value > 1
    ]
    return out


def sentence(answer: TargetAnswer, *, certain: bool) -> str:
    """One target for people."""
    if answer.is_class:
        text = f"{answer.target}: score {answer.value:.2f}"
        if not certain:
            return text + ", no statement (see below)"
        text += " (above 0.5: with it), like cells "
        text += "with it" if answer.value > 0.5 else "without it"
        if np.isfinite(answer.score):
            text += f"; balanced accuracy {answer.score:.2f} in held-out cells"
        return text
    text = f"{answer.target} {answer.value:.2f}"
    if certain and np.isfinite(answer.score):
        text += f" ± {answer.score:.2f}"
    return f"{text} {answer.unit}" + (" (90 %)" if certain and np.isfinite(answer.score) else "")
