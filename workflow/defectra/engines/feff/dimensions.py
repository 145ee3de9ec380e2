"""Sizes of FEFF's arrays: the stage of the potentials gets those that it needs, and no more.

FEFF sizes the matrices of every stage for the sphere of full multiple scattering and zeroes them
at each energy, although self-consistency uses the small clusters of its own radius alone. The
first number of ``.dimensions.dat``, the largest cluster, is therefore lowered for that stage.
FEFF cuts off a cluster that does not fit without a word, so the size is checked afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from defectra.core.errors import EngineError
from defectra.engines.feff.input import Cluster

NAME = ".dimensions.dat"
MARGIN = 0.01  # Å, more than the rounding of positions and of single precision
_FIRST = re.compile(r"\s*(\d+)")
_USED = re.compile(r"FMS for a cluster of\s+(\d+)\s+atoms")


def largest_cluster(atoms: Cluster, radius: float) -> int:
    """Most atoms within `radius` Å of any atom of the list, that atom included."""
    delta = atoms.positions[:, None, :] - atoms.positions[None, :, :]
    near = np.linalg.norm(delta, axis=2) <= radius + MARGIN
    return int(near.sum(axis=1).max())


@contextmanager
def limited(folder: Path, atoms: int) -> Iterator[None]:
    """Lower FEFF's largest cluster in `folder` to one more than `atoms` while the block runs.

    The one more is what distinguishes a cluster that just fits from one that was cut off.

    Raises
    ------
    EngineError
        ``cluster_cut_off`` if a cluster of the log fills the arrays, ``missing_output`` if the
        first stage left no sizes.
    """
    path = folder / NAME
    if not path.exists():
        raise EngineError("missing_output", f"{NAME}: the stage rdinp left no sizes of arrays")
    whole = path.read_text(encoding="ascii")
    first = _FIRST.match(whole)
    if first is None:
        raise EngineError("bad_output", f"{NAME}: no size of the largest cluster")
    size = atoms + 1
    if size >= int(first.group(1)):
        yield
        return
    width = first.end()
    path.write_text(f"{size:{width}d}{whole[width:]}", encoding="ascii")
    try:
        yield
    finally:
        path.write_text(whole, encoding="ascii")
    check_clusters(folder / "log1.dat", size)


def check_clusters(log: Path, size: int) -> None:
    """Refuse potentials whose clusters fill arrays of `size` atoms.

    Raises
    ------
    EngineError
        ``cluster_cut_off``.
    """
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    used = max((int(n) for n in _USED.findall(text)), default=0)
    if used >= size:
        raise EngineError(
            "cluster_cut_off",
            f"{log.name}: a cluster of the potentials fills the {size} atoms that FEFF was given",
        )
