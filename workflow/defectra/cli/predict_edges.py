"""``defectra predict`` with a model of several edges: the files are edges of one sample."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DefectraError
from defectra.core.number_types import number
from defectra.learn.edges_model import EdgesModel, TargetAnswer
from defectra.learn.predict import WHITE_LINE
from defectra.learn.scores import NORMAL_90
from defectra.spectra.edge_normalisation import normalise, without_background
from defectra.spectra.edges_seen import eels_edges
from defectra.spectra.loss_factor import Geometry, Stated, geometries
from defectra.spectra.loss_factor import sentence as geometry_sentence
from defectra.spectra.measured import ELEMENTS, read_measured
from defectra.spectra.measured_columns import Choice
from defectra.spectra.measured_spectrum import Measured, SpectrumError, on_grid
from defectra.spectra.pre_edge import Background, Foot, background

Floats = NDArray[np.float64]
NOT_STATED = Stated()


def files_by_edge(words: Sequence[str], model: EdgesModel) -> dict[str, tuple[Path, float | None]]:
    """Files and shifts (eV) by edge from words ``EDGE=FILE`` or ``EDGE=FILE@SHIFT``.

    Raises
    ------
    DefectraError
        If an edge is not named, not known, or named twice, a shift is no number, or it is not clear
        whether there is one.
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
        if at and Path(rest).is_file():  # a name with an @
            if Path(name).is_file():
                raise DefectraError(
                    f"{word}: there is a file {name} and a file {rest}, so it is not clear whether "
                    f"{shift} is a shift; name another copy, or give --shift"
                )
            at = ""
        try:
            out[edge] = (Path(name), number(shift)) if at else (Path(rest), None)
        except ArgumentTypeError:
            raise DefectraError(f"{word}: {shift!r} behind @ is no shift in eV") from None
    return out


@dataclass(frozen=True)
class Ready:
    """A spectrum as the model reads it.

    Attributes
    ----------
    values
        On the grid of the model, shape (points,).
    moved
        The same with the background off by one standard deviation, one way and the other, in each
        of its independent ways, shape (ways, 2, points). Of energy loss the one way is a geometry
        that is not stated: the ends of what is usual count as 90 %.
    under
        The background that was taken off; None for counts of energy loss.
    """

    values: Floats
    moved: Floats
    under: Background | None


def ready(model: EdgesModel, edge: str, spectrum: Measured, shift: float) -> Ready:
    """Absorption of an edge on the grid of the model, moved by `shift` (eV), background off.

    Raises
    ------
    SpectrumError
        If it does not cover the grid, has no energies before the edge, shows another edge, or holds
        nothing there.
    """
    grid = model.grid(edge)
    if spectrum.kind == "counts":
        own, *others = (_of_counts(model, edge, spectrum, shift, g) for g in geometries(spectrum))
        ways = [[own + (other - own) / NORMAL_90 for other in others]] if others else []
        return Ready(own, np.reshape(ways, (-1, 2, len(grid))), None)
    foot = foot_of(model, edge)
    on_grid(replace(spectrum, energy=spectrum.energy + shift), grid)  # refuses what ends before
    under = background(spectrum, foot, shift)
    off = [
        [_without(spectrum, foot, shift, under.moved(sign * way)) for sign in (-1.0, 1.0)]
        for way in under.ways_off
    ]
    values = _something(edge, _without(spectrum, foot, shift, under))
    return Ready(values, np.array(off), under)


def curve(model: EdgesModel, edge: str, spectrum: Measured, shift: float) -> Floats:
    """Values of :func:`ready` alone.

    Raises
    ------
    SpectrumError
        As there.
    """
    if spectrum.kind == "counts":
        return _of_counts(model, edge, spectrum, shift, geometries(spectrum)[0])
    foot = foot_of(model, edge)
    on_grid(replace(spectrum, energy=spectrum.energy + shift), foot.grid)
    under = background(spectrum, foot, shift)
    return _something(edge, _without(spectrum, foot, shift, under))


def foot_of(model: EdgesModel, edge: str) -> Foot:
    """Computed spectra of an edge that the model learnt from."""
    return Foot.of(model.grid(edge), model.curves[edge], model.about.jitter)


def _without(spectrum: Measured, foot: Foot, shift: float, under: Background) -> Floats:
    found = normalise(spectrum, foot.rise - shift, base=under)
    flat = replace(spectrum, energy=found.energy + shift, mu=found.for_model)
    return on_grid(flat, foot.grid)


def _of_counts(
    model: EdgesModel, edge: str, spectrum: Measured, shift: float, geometry: Geometry
) -> Floats:
    """Energy loss as absorption on the grid of the model."""
    lines = [x for x in eels_edges(spectrum, ELEMENTS) if x.edge == edge]
    if not lines:
        raise SpectrumError(f"the spectrum shows no {edge}")
    flat = without_background(spectrum, lines[0].energy - WHITE_LINE)
    grid = model.grid(edge)
    values = on_grid(replace(flat, energy=flat.energy + shift), grid)
    return _something(edge, geometry.absorption(grid - shift, values))


def _something(edge: str, values: Floats) -> Floats:
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
    geometry: Stated = NOT_STATED,
) -> int:
    """Answer for one sample; 1 if it has no interval.

    Parameters
    ----------
    shift, shift_sd
        Of the energies, and its standard deviation, eV; None: not said.
    chosen, scan
        Columns of every file, and which spectrum of it, as `read_measured` takes them.
    geometry
        Of the energy-loss spectra among them.

    Raises
    ------
    DefectraError
        If a file cannot be used.
    """
    files = files_by_edge(words, model)
    found: dict[str, Ready] = {}
    notes: dict[str, tuple[str, ...]] = {}
    kinds = set()
    for edge, (path, own) in files.items():
        moved = (own if own is not None else shift or 0.0) + model.shift(edge)
        try:
            read = geometry.said_of(read_measured(path, edge, chosen=chosen, scan=scan))
            found[edge], notes[edge] = ready(model, edge, read, moved), tuple(read.notes)
        except SpectrumError as error:
            raise SpectrumError(f"{path}: {error}") from None
        kinds.add(read.kind)
        if read.kind == "counts":
            notes[edge] += (geometry_sentence(read),)
    geometry.check(kinds)
    print(f"{name}: {', '.join(model.about.targets)} from {' + '.join(found)}")
    print(f"  trained on {model.about.trained_on}")
    unknown = [e for e, (_, own) in files.items() if own is None and shift is None]
    spectra = {edge: one.values for edge, one in found.items()}
    reasons = doubts(model, unknown, shift_sd, model.outside(spectra))
    values, moved_by = with_background(model, found)
    stated = model.stated(list(found), values)
    for answer, sd in zip(stated, moved_by):
        print(f"  {sentence(answer, certain=not reasons, background_sd=float(sd))}")
    lacking = lacking_intervals(reasons, stated)
    for line in (*_of_spectra(model, found, notes), *lacking):
        print(f"  {line}")
    return int(bool(lacking))


def _of_spectra(
    model: EdgesModel, found: Mapping[str, Ready], notes: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    """What is to be said of each spectrum, and of the background that was taken off."""
    for edge, one in found.items():
        if notes[edge]:
            yield f"{edge}: {'; '.join(notes[edge])}"
        if one.under:
            yield f"{edge}: {one.under.sentence(float(model.grid(edge)[-1]))}"


def lacking_intervals(reasons: Sequence[str], stated: Sequence[TargetAnswer]) -> list[str]:
    """A line for each reason why a target has no interval, and for targets of unknown error."""
    lines = [f"no interval: {reason}" for reason in reasons]
    unknown = [a.target for a in stated if not np.isfinite(a.score)]
    if unknown:
        names = ", ".join(unknown)
        lines.append(f"no interval of {names}: its error in held-out cells is not known")
    return lines


def with_background(model: EdgesModel, found: Mapping[str, Ready]) -> tuple[Floats, Floats]:
    """Answers, and how far they go with :attr:`Ready.moved`, one standard deviation; (targets,)."""
    rows = [{e: one.values for e, one in found.items()}]
    for edge, one in found.items():
        rows += [{**rows[0], edge: values} for way in one.moved for values in way]
    answers = model.answers({e: np.array([r[e] for r in rows]) for e in found})
    each = np.abs(answers[1:] - answers[0]).reshape(-1, 2, answers.shape[1]).max(axis=1)
    return answers[0], np.sqrt((each**2).sum(axis=0))


def doubts(
    model: EdgesModel, unknown: Sequence[str], shift_sd: float | None, far: dict[str, float]
) -> list[str]:
    """Why the held-out errors do not hold for a sample."""
    out = []
    if unknown or shift_sd is None:
        edges = unknown or list(far)
        out.append(
            f"it is not said how the axis was calibrated ({', '.join(edges)}): state --shift EV "
            "--shift-sd EV, or EDGE=FILE@SHIFT and --shift-sd; "
            + "; ".join(model.axis_sentence(e) for e in edges)
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


def sentence(answer: TargetAnswer, *, certain: bool, background_sd: float = 0.0) -> str:
    """One target for people; `background_sd`: standard deviation by the :attr:`Ready.moved`."""
    half = NORMAL_90 * background_sd
    if answer.is_class:
        text = f"{answer.target}: score {answer.value:.2f}"
        if not certain:
            return text + ", no statement (see below)"
        if abs(answer.value - 0.5) < half:
            return text + f", not decided: background or geometry moves it by ± {half:.2f}"
        if not np.isfinite(answer.score):
            return text + ", no statement: it is not known how often it is right"
        side = "with it" if answer.value > 0.5 else "without it"
        text += f" (above 0.5: with it), like cells {side}"
        return text + f"; balanced accuracy {answer.score:.2f} in held-out cells"
    text = f"{answer.target} {answer.value:.2f}"
    if certain and np.isfinite(answer.score):
        text += f" ± {np.hypot(answer.score, half):.2f}"
    return f"{text} {answer.unit}" + (" (90 %)" if certain and np.isfinite(answer.score) else "")
