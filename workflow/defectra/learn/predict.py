"""``defectra predict``: a measured spectrum in, a number with its interval out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.learn.new_groups import caution
from defectra.learn.saved import Saved, unit_maximum
from defectra.spectra.edge_normalisation import normalise, without_background
from defectra.spectra.edges_seen import eels_edges, steepest
from defectra.spectra.loss_factor import Geometry, geometries, sentence
from defectra.spectra.measured import ELEMENTS, read_measured
from defectra.spectra.measured_columns import Choice
from defectra.spectra.measured_spectrum import Measured, SpectrumError, on_grid

Floats = NDArray[np.float64]
WHITE_LINE = 8.0  # eV; an edge begins at most so much before its strongest line


@dataclass(frozen=True)
class Calibration:
    """What moves a measured axis onto the true one.

    Attributes
    ----------
    shift
        Added to the energies of the file, eV.
    sd
        Standard deviation of the shift, eV.
    source
        Where the shift comes from, in words.
    """

    shift: float
    sd: float
    source: str


@dataclass(frozen=True)
class Answer:
    """What a model says of a spectrum.

    Attributes
    ----------
    value, half
        Target and half width of its 90 % interval; NaN where none can be given.
    outside
        How far the spectrum lies outside the training domain; above 1 is outside.
    notes
        What was mended or done on reading, and why there is no interval.
    """

    value: float
    half: float
    outside: float
    notes: tuple[str, ...]

    @property
    def certain(self) -> bool:
        """Whether it has an interval."""
        return bool(np.isfinite(self.half))


def calibration(
    shift: float | None, sd: float | None, reference: Path | None, true_e0: float | None
) -> Calibration | None:
    """Calibration that the user states, or that a reference on the same axis gives.

    Raises
    ------
    SpectrumError
        If half of a statement is missing, both are made, or the reference cannot be used.
    """
    stated, measured = (shift, sd), (reference, true_e0)
    if all(v is None for v in (*stated, *measured)):
        return None
    if reference is not None and true_e0 is not None and shift is None and sd is None:
        return of_reference(reference, true_e0)
    if shift is not None and reference is None and true_e0 is None:
        if sd is None:
            return Calibration(shift, float("nan"), "its uncertainty is not stated (--shift-sd)")
        if not (np.isfinite(shift) and 0 <= sd < 100):
            raise SpectrumError(f"--shift-sd {sd}: a standard deviation in eV, not below 0")
        return Calibration(shift, sd, "stated")
    raise SpectrumError(
        "the axis is calibrated by --reference FILE --reference-e0 EV (a foil on the same axis), "
        "or by --shift EV --shift-sd EV"
    )


def of_reference(path: Path, true_e0: float) -> Calibration:
    """Shift that brings the steepest rise of a reference to its true energy.

    Its uncertainty is that of the rise: half the distance of the energies there, and how far it
    moves when the curve is smoothed over 1, 2 and 3 eV.

    Raises
    ------
    SpectrumError
        If the file cannot be used, or rises more than 50 eV away from `true_e0`.
    """
    spectrum = read_measured(path)
    rises = [steepest(spectrum.energy, spectrum.mu, width) for width in (1.0, 2.0, 3.0)]
    shift = true_e0 - rises[1]
    if not abs(shift) < 50:
        raise SpectrumError(
            f"{path.name} rises at {rises[1]:.1f} eV, {abs(shift):.0f} eV from --reference-e0 "
            f"{true_e0:g}: another edge, or another unit"
        )
    near = np.abs(spectrum.energy - rises[1]) < 5
    gap = float(np.median(np.diff(spectrum.energy[near]))) if near.sum() > 1 else 5.0
    sd = float(np.hypot(gap / 2, np.std(rises)))
    return Calibration(shift, sd, f"{path.name} rises at {rises[1]:.2f}, should at {true_e0:g} eV")


def predict_file(
    model: Saved, path: Path, axis: Calibration | None = None, chosen: Choice | None = None
) -> Answer:
    """Read, check, normalise and align the spectrum of a file, then ask the model.

    Raises
    ------
    SpectrumError
        If the file cannot be used, shows another edge, or ends before the grid of the model.
    """
    return predict(model, read_measured(path, model.about.edge, chosen=chosen), axis)


def predict(model: Saved, spectrum: Measured, axis: Calibration | None) -> Answer:
    """Normalise and align a checked spectrum, then ask the model.

    The interval is that of the model, widened by how much the answer moves with the axis: that of
    the spectrum and, in quadrature, the alignment of the training spectra, where the model states
    its standard deviation; and with a geometry of energy loss that is not stated. Without a
    calibration, or outside of what the model was trained on, there is none.

    Raises
    ------
    SpectrumError
        If it ends before the grid of the model, or holds nothing there.
    """
    shift = (axis.shift if axis else 0.0) + model.about.shift
    notes = [*spectrum.notes, *([f"moved by {shift:+.4g} eV"] if shift else [])]
    values, done = on_model_grid(model, spectrum, shift)
    notes += done
    found = unit_maximum(values[None, :])
    value, far = float(model.predict(found)[0]), float(model.domain.outside(found)[0])
    reasons = doubts(model, found)
    narrow = caution(model.about.half, model.about.over_groups)
    if narrow and not np.isfinite(model.about.half):
        reasons.append(narrow.removeprefix("no interval: "))
    if axis is None or not np.isfinite(axis.sd):
        why = axis.source if axis else "it is not said how the axis was calibrated"
        reasons.append(
            f"{why}: name a reference on the same axis (--reference FILE --reference-e0 EV), or "
            "state --shift EV --shift-sd EV"
        )
    if reasons:
        return Answer(value, float("nan"), far, (*notes, "no interval", *reasons))
    assert axis is not None
    notes += [narrow] if narrow else []
    aligned = model.about.alignment_sd
    known = bool(np.isfinite(aligned))
    moved = by_axis(
        model, spectrum, shift, float(np.hypot(axis.sd, aligned if known else 0)), value
    )
    both = f" and the alignment of the training spectra, ± {aligned:.2f} eV," if known else ","
    notes.append(
        f"calibration: {axis.source}, ± {axis.sd:.2f} eV (1 sd){both} moves the answer by "
        f"{moved:.2f}"
    )
    by_loss = by_geometry(model, spectrum, shift, value)
    notes += [f"the geometry that is not stated moves it by {by_loss:.2f}"] if by_loss else []
    if not known:
        notes.append(
            "the interval does not contain how far the alignment of the training spectra with "
            "measured ones may be off: the model does not state it"
        )
    half = float(np.linalg.norm([model.about.half, moved, by_loss]))
    return Answer(value, half, far, tuple(notes))


def doubts(model: Saved, spectrum: Floats) -> list[str]:
    """Why the interval of a model does not hold for a spectrum of maximum 1, shape (1, g).

    Three things are distinguished: a spectrum that goes farther than the training spectra vary (the
    answer is extrapolated), one with details that none of them has, and trees that disagree.
    """
    along, rest = (
        float(v[0] / limit)
        for v, limit in zip(
            model.domain.measures(spectrum), (model.domain.farthest, model.domain.rest)
        )
    )
    spread = float(model.spread(spectrum)[0])
    out = []
    if along > 1:
        out.append(
            f"WARNING: outside the training domain: {along:.1f} times as far as training spectra "
            "vary, the answer is extrapolated"
        )
    elif rest > 1:
        out.append(
            f"WARNING: outside the training domain: it varies as training spectra do ({along:.2f} "
            f"of their limit), but has details that none has ({rest:.1f} times their limit)"
        )
    if spread > model.about.half:
        out.append(f"WARNING: the trees disagree (by {spread:.2f} {model.about.unit}, 1 sd)")
    elif out:
        out.append(f"the trees agree (within {spread:.2f} {model.about.unit}, 1 sd)")
    return out


def by_axis(model: Saved, spectrum: Measured, shift: float, sd: float, value: float) -> float:
    """How far the answer moves at most when the axis moves within its 90 % interval (1.645 sd)."""
    moves = sd * np.array([-1.645, -1.0, -0.5, 0.5, 1.0, 1.645])
    rows = [on_model_grid(model, spectrum, shift + float(m))[0] for m in moves if m]
    if not rows:
        return 0.0
    return float(np.abs(model.predict(unit_maximum(np.array(rows))) - value).max())


def by_geometry(model: Saved, spectrum: Measured, shift: float, value: float) -> float:
    """How far the answer moves at most with a geometry of energy loss that is not stated."""
    if spectrum.kind != "counts":
        return 0.0
    rows = [on_model_grid(model, spectrum, shift, g)[0] for g in geometries(spectrum)[1:]]
    if not rows:
        return 0.0
    return float(np.abs(model.predict(unit_maximum(np.array(rows))) - value).max())


def on_model_grid(
    model: Saved, spectrum: Measured, shift: float = 0.0, geometry: Geometry | None = None
) -> tuple[Floats, tuple[str, ...]]:
    """Normalised absorption on the grid of the model, moved by `shift` (eV); what was done.

    Parameters
    ----------
    geometry
        Of energy loss; None: as :func:`defectra.spectra.loss_factor.geometries` takes it.
    """
    if spectrum.kind == "counts":
        lines = [x for x in eels_edges(spectrum, ELEMENTS) if x.edge == model.about.edge]
        if not lines:
            raise SpectrumError(f"the spectrum shows no {model.about.edge}")
        flat = without_background(spectrum, lines[0].energy - WHITE_LINE)
        flat = replace(flat, notes=(*flat.notes, sentence(spectrum)))
    else:
        found = normalise(spectrum)
        flat = replace(spectrum, energy=found.energy, mu=found.for_model)
    values = on_grid(replace(flat, energy=flat.energy + shift), model.grid)
    if spectrum.kind == "counts":
        by = geometry or geometries(spectrum)[0]
        values = by.absorption(model.grid - shift, values)
    if not values.max() > 0:
        raise SpectrumError("no absorption on the grid of the model; wrong shift?")
    return values, flat.notes[len(spectrum.notes) :]


def answer_sentence(model: Saved, answer: Answer) -> str:
    """One line for people: value and interval, or the value alone and why."""
    about = model.about
    text = f"{about.target} {answer.value:.2f}"
    if answer.certain:
        text += f" ± {answer.half:.2f}"
    text += f" {about.unit}" + (" (90 %)" if answer.certain else "")
    return "; ".join([text, *answer.notes])
