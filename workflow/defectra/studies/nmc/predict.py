"""``defectra predict`` of study `nmc`: lithium of the electrodes of one charge from their Ni K.

NMC: lithium nickel manganese cobalt oxide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.interpolate import Akima1DInterpolator

from defectra.core.errors import ConfigError, DefectraError
from defectra.learn.answers import Answer, Reading, check_options, number_of
from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.measured import read_measured
from defectra.spectra.measured_spectrum import SpectrumError
from defectra.spectra.peaks import peak_position
from defectra.studies.nmc.measured.lithium_shift import AXIS_SD, LithiumShift, read

EDGE = "Ni K"
STEP = 0.4  # eV, grid on which the main peak is looked for
BEYOND = 50.0  # eV, the main peak lies at most so far above the steepest rise
HOLDS = "if the pristine electrode has lithium 1.0; errors of slope and axes only"
AS_THE_FILE_SAYS = Reading()
NEAR = 3.0  # eV about the main peak, where the steps of the scan count
COARSEST = 1.0  # eV, steps with which the peak is found within a tenth of an eV
SCATTER = 1.05  # of single steps, by the encoder
SLACK = 0.05  # lithium per metal beyond 0 and 1 that is still an answer


def predict(
    model: Path,
    files: Sequence[Path],
    options: Mapping[str, str],
    reading: Reading = AS_THE_FILE_SAYS,
) -> Iterator[Answer]:
    """Lithium of each electrode, from its main peak and that of the pristine electrode.

    Parameters
    ----------
    options
        ``pristine``: the spectrum of the electrode before its first charge, on the same axis;
        ``pristine_scan``: which one of its file, if not the scan of `reading`;
        ``axis_sd``: standard deviation of the axis of one scan, eV.
    reading
        Columns and scan of every file, the pristine one included.

    Raises
    ------
    ConfigError
        For an unknown option, or no pristine electrode.
    DataError
        If the model is none of this study.
    SpectrumError
        If the pristine spectrum cannot be used.
    """
    check_options(options, ["pristine", "pristine_scan", "axis_sd"])
    axis_sd = number_of(options, "axis_sd", AXIS_SD, "a number in eV, such as 0.1", (0, 5))
    if not options.get("pristine"):
        raise ConfigError(
            "the shift is counted from the pristine electrode: name its Ni K spectrum on the same "
            "axis, --option pristine=FILE"
        )
    line = read(model)
    try:
        first = replace(reading, scan=options.get("pristine_scan", reading.scan))
        start, of_pristine = main_peak(Path(options["pristine"]), first)
    except SpectrumError as error:
        raise SpectrumError(f"--option pristine={options['pristine']}: {error}") from None
    for file in files:
        try:
            place, notes = main_peak(file, reading)
        except DefectraError as error:
            yield Answer(str(file), f"refused: {error}", certain=False)
            continue
        text, certain = _sentence(line, place - start, axis_sd)
        notes += tuple(f"pristine: {note}" for note in of_pristine)
        yield Answer(str(file), "; ".join([text, *notes]), certain)


def main_peak(path: Path, reading: Reading = AS_THE_FILE_SAYS) -> tuple[float, tuple[str, ...]]:
    """Energy of the Ni K main peak of a file, eV, and what was mended of the file.

    Raises
    ------
    SpectrumError
        If the file shows no Ni K absorption, the largest value is at an end of the scan, or its
        steps there are too coarse.
    """
    measured = read_measured(path, EDGE, chosen=reading.columns, scan=reading.scan)
    found = normalise(measured)
    grid = np.arange(found.energy[0], min(found.energy[-1], found.e0 + BEYOND), STEP)
    curve = Akima1DInterpolator(found.energy, found.mu)(grid)  # straight lines would move the peak
    place = float(peak_position(grid, curve))
    if not np.isfinite(place) or place < found.e0:
        raise SpectrumError(f"{path}: no main peak within {BEYOND:g} eV above the edge")
    step = float(np.diff(found.energy[np.abs(found.energy - place) < NEAR]).max(initial=0.0))
    if not 0 < step <= SCATTER * COARSEST:
        raise SpectrumError(
            f"{path}: the scan has steps of {step:.1f} eV at the main peak; its place is known "
            f"well enough with steps of at most {COARSEST:g} eV"
        )
    return place, tuple(measured.notes)


def _sentence(line: LithiumShift, moved: float, axis_sd: float) -> tuple[str, bool]:
    values, halves = line.lithium(np.array([moved]), axis_sd)
    value, half = float(values[0]), float(halves[0])
    inside = -SLACK <= value <= 1 + SLACK
    about = (
        f"main peak {moved:+.2f} eV from the pristine electrode, {line.slope:.2f} eV for each "
        f"lithium in {line.n_orderings} computed orderings of {line.composition}"
    )
    if inside:
        return f"lithium {value:.2f} ± {half:.2f} per metal (90 %, {HOLDS}); {about}", True
    return f"no lithium between 0 and 1 fits ({value:.2f}): {about}; is it the same axis?", False
