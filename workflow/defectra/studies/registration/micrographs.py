"""The published micrographs as tables and frames; what is missing is a row with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.datasets import located
from defectra.core.errors import DefectraError
from defectra.core.store import replacing
from defectra.studies.registration.cells import Published, published
from defectra.studies.registration.measured import fit_rows, registered, trace_rows
from defectra.studies.registration.settings import RegistrationStudy

Row = dict[str, Any]
MISSING_COLUMNS = ["image", "reason"]


@dataclass
class Micrographs:
    """Rows of ``fits.csv``, ``objective.csv`` and ``missing.csv``, and the frames by name."""

    fits: list[Row] = field(default_factory=list)
    trace: list[Row] = field(default_factory=list)
    missing: list[Row] = field(default_factory=list)
    frames: dict[str, Any] = field(default_factory=dict)

    def save_frames(self, path: str) -> None:
        """Measured patches and simulated frames, npz."""
        with replacing(path) as temporary, Path(temporary).open("wb") as handle:
            np.savez_compressed(handle, allow_pickle=False, **self.frames)


def published_files() -> list[str]:
    """Files of the mirror that are read, in the order in which they are needed."""
    return [name for which in published() for name in which.files]


def micrographs(files: Sequence[str], mirror: Path, settings: RegistrationStudy) -> Micrographs:
    """Register what is there.

    Parameters
    ----------
    files
        Those of :func:`published_files` in the mirror, or none.
    """
    out, each = Micrographs(), len(files) // max(len(list(published())), 1)
    for number, which in enumerate(published()):
        own = list(files[number * each : (number + 1) * each])
        if not own:
            out.missing.append({"image": which.name, "reason": _no_mirror(which)})
            continue
        try:
            result = registered(which, located(own, mirror), settings)
        except DefectraError as error:
            out.missing.append({"image": which.name, "reason": str(error)})
            continue
        out.fits.extend(fit_rows(result))
        out.trace.extend(trace_rows(result))
        out.frames[f"{which.name}_measured"] = result.patch.astype(np.float32)
        out.frames[f"{which.name}_simulated"] = result.frame.astype(np.float32)
    return out


def _no_mirror(which: Published) -> str:
    return (
        f"CdTe {which.name}: the published micrographs are not at hand; set key `mirror`, or say "
        f"`make registration MIRROR=FOLDER`"
    )
