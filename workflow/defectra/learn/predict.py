"""``defectra predict``: a measured spectrum in, a number with its interval out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.learn.saved import Saved, unit_maximum
from defectra.spectra.edge_normalisation import normalise, without_background
from defectra.spectra.edges_seen import eels_edges
from defectra.spectra.measured import ELEMENTS, read_measured
from defectra.spectra.measured_spectrum import Measured, SpectrumError, on_grid

Floats = NDArray[np.float64]
WHITE_LINE = 8.0  # eV; an edge begins at most so much before its strongest line


@dataclass(frozen=True)
class Answer:
    """What a model says of a spectrum.

    Attributes
    ----------
    value, half
        Target and half width of its 90 % interval.
    outside
        How far the spectrum lies outside the training domain; above 1 is outside.
    notes
        What was mended or done on reading.
    """

    value: float
    half: float
    outside: float
    notes: tuple[str, ...]


def predict_file(model: Saved, path: Path, shift: float = 0.0) -> Answer:
    """Read, check, normalise and align a spectrum, then ask the model.

    Parameters
    ----------
    shift
        Declared by the user, added to the energies of the file (eV) beside that of the model.

    Raises
    ------
    SpectrumError
        If the file cannot be used, shows another edge, or ends before the grid of the model.
    """
    spectrum = read_measured(path, model.about.edge)
    notes = list(spectrum.notes)
    total = shift + model.about.shift
    if total:
        notes.append(f"moved by {total:+g} eV")
    values, done = on_model_grid(model, spectrum, total)
    notes += done
    found = unit_maximum(values[None, :])
    value, far = float(model.predict(found)[0]), float(model.domain.outside(found)[0])
    if far > 1:
        notes.append(
            f"WARNING: outside the training domain ({far:.1f} times its limit): unlike what the "
            "model was trained on, do not trust the interval"
        )
    return Answer(value, model.about.half, far, tuple(notes))


def on_model_grid(
    model: Saved, spectrum: Measured, shift: float = 0.0
) -> tuple[Floats, tuple[str, ...]]:
    """Normalised absorption on the grid of the model, moved by `shift` (eV); what was done."""
    if spectrum.kind == "counts":
        lines = [x for x in eels_edges(spectrum, ELEMENTS) if x.edge == model.about.edge]
        if not lines:
            raise SpectrumError(f"the spectrum shows no {model.about.edge}")
        flat = without_background(spectrum, lines[0].energy - WHITE_LINE)
    else:
        found = normalise(spectrum)
        flat = replace(spectrum, energy=found.energy, mu=found.mu)
    values = on_grid(replace(flat, energy=flat.energy + shift), model.grid)
    if not values.max() > 0:
        raise SpectrumError("no absorption on the grid of the model; wrong shift?")
    return values, flat.notes[len(spectrum.notes) :]


def told(model: Saved, answer: Answer) -> str:
    """One line for people."""
    about = model.about
    text = f"{about.target} {answer.value:.2f} ± {answer.half:.2f} {about.unit} (90 %)"
    return "; ".join([text, *answer.notes])
