"""What the workflow does in several calls, in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.config import Config
from defectra.defects import vasp_runs
from defectra.spectra.measured_columns import Choice
from defectra.spectra.measured_formats import pick, read_scans
from defectra.spectra.measured_spectrum import Measured
from defectra.studies.nmc.manifests import chunks_of

Row = dict[str, Any]


def make_plan(config: Config) -> dict[str, tuple[list[Row], list[Row]]]:
    """Structures and tasks of each chunk."""
    return {name: (structures, tasks) for name, structures, tasks in chunks_of(config)}


def read_file(path: Path, chosen: Choice | None = None, scan: str = "") -> Measured:
    """The spectrum of a file, unchecked."""
    return pick(read_scans(path, chosen), scan)


def levels_of_folder(
    root: Path, host: str, dielectric: NDArray[np.float64], coefficient: float
) -> tuple[list[Row], list[dict[str, str]]]:
    """Levels of every defect below a folder of VASP runs, and what was left out."""
    sets, left_out = vasp_runs.read_sets(root, host)
    rows, more = vasp_runs.levels_of_sets(sets, host, dielectric, coefficient)
    return rows, left_out + more


def cells_of_folder(root: Path, host: str, dielectric: NDArray[np.float64]) -> list[Row]:
    """Every defect cell below a folder of VASP runs, with its corrections."""
    return vasp_runs.cells_of_sets(vasp_runs.read_sets(root, host)[0], host, dielectric)
