"""``defectra predict`` of study `xanes`: the VASP spectrum of a site from its FEFF spectrum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from defectra.core.csvs import write_csv
from defectra.core.errors import DataError, DefectraError
from defectra.core.paths import why_no_file
from defectra.engines.feff.read import UNIT, find, read
from defectra.engines.finished.reader import Folder
from defectra.learn.answers import Answer, check_options
from defectra.studies.xanes.saved_delta import SavedDelta, load

COLUMNS = ["energy_eV", "feff", "vasp"]
EDGE = "K"


def predict(model: Path, files: Sequence[Path], options: Mapping[str, str]) -> Iterator[Answer]:
    """Ask a delta model about ``xmu.dat`` of FEFF, each file on its own.

    Parameters
    ----------
    options
        ``out``: folder for the predicted spectra, csv with energy, FEFF and VASP.

    Raises
    ------
    ConfigError
        For an unknown option.
    DataError
        If the model is none of this study.
    """
    check_options(options, ["out"])
    known = load(model)
    for file in files:
        try:
            values = on_grid(known, file)
        except DefectraError as error:
            yield Answer(str(file), f"refused: {error}", certain=False)
            continue
        yield _answer(known, file, values, options.get("out", ""))


def on_grid(known: SavedDelta, file: Path) -> np.ndarray:
    """FEFF spectrum of a file on the grid of the model, edge step = 1, shape (141,).

    Raises
    ------
    DataError
        If it is of another element or edge, or does not cover the grid.
    EngineError
        If it cannot be read.
    """
    if not file.is_file():
        raise DataError(f"{file}: {why_no_file(file)}")
    if (file,) not in find(Folder(file.parent)):
        raise DataError(f"{file}: no spectrum of FEFF (xmu.dat)")
    reading = read((file,), Folder(file.parent))
    if reading.unit != UNIT:
        raise DataError(f"{file.name}: {reading.unit}; the model reads spectra of {UNIT}")
    found = f"{reading.absorber.element or 'an unknown element'} {reading.absorber.edge}".strip()
    about = known.about
    if found != f"{about.element} {EDGE}":
        raise DataError(
            f"{file.name} is of {found}; the model has learnt {about.element} {EDGE} alone and "
            f"claims nothing about another element ({about.other})"
        )
    energy, grid = reading.parsed.energy, known.grid
    if energy[-1] < grid[-1] - about.step or energy[0] > grid[len(grid) // 4]:
        raise DataError(
            f"{file.name}: {energy[0]:.1f} to {energy[-1]:.1f} eV; the model wants "
            f"{grid[0]:.1f} to {grid[-1]:.1f} eV"
        )
    return np.asarray(np.interp(grid, energy, reading.parsed.mu))


def _answer(known: SavedDelta, file: Path, values: np.ndarray, out: str) -> Answer:
    about, far = known.about, float(known.outside(values[None])[0])
    vasp = known.predict(values[None])[0]
    moved = float(np.sqrt(((vasp - values) ** 2).mean()))
    text = f"VASP {about.element} {EDGE}, {moved:.3f} (RMS) away from FEFF"
    if out:
        target = Path(out) / f"{file.parent.name}_{file.stem}_vasp.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        rows = zip(known.grid, values, vasp)
        write_csv(target, [dict(zip(COLUMNS, map(float, row))) for row in rows], COLUMNS)
        text += f", written to {target}"
    if far > 1:
        text += (
            f"; WARNING: outside the training domain ({far:.1f} times its limit), no interval: "
            "compute a few such sites with VASP and correct with those"
        )
        return Answer(str(file), text, certain=False)
    text += f"; 90 % of held-out sites err by less than {about.error:.3f} (RMS, edge step = 1)"
    return Answer(str(file), text, certain=True)
