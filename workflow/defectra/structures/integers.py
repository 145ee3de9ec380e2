"""Integer lattices: Hermite normal forms of superlattices, exactly.

Convention: the rows of an integer matrix are the vectors of a superlattice in the basis of the
primitive cell. Its Hermite normal form is lower triangular with a positive diagonal and
``0 <= H[i, j] < H[j, j]`` below it; it is the same for every basis of the same superlattice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError

Matrix = NDArray[np.int64]


def hermite(rows: Matrix | Sequence[Sequence[int]]) -> Matrix:
    """Hermite normal form of the lattice spanned by integer `rows`, shape (m >= 3, 3).

    Raises
    ------
    StructureError
        If the rows do not span three dimensions.
    """
    work = [[int(v) for v in row] for row in rows]
    basis: list[list[int]] = [[], [], []]
    for column in (2, 1, 0):
        pivot = _eliminate(work, column)
        if pivot is None:
            raise StructureError(f"supercell matrix {np.asarray(rows).tolist()} has volume 0")
        basis[column] = pivot
    for i in range(3):
        for j in range(i - 1, -1, -1):
            factor = basis[i][j] // basis[j][j]
            basis[i] = [a - factor * b for a, b in zip(basis[i], basis[j])]
    return np.array(basis, dtype=np.int64)


def _eliminate(work: list[list[int]], column: int) -> list[int] | None:
    """Euclid on one column; takes the row that keeps it out of `work`."""
    while True:
        rows = sorted((r for r in work if r[column]), key=lambda r: abs(r[column]))
        if not rows:
            return None
        pivot = rows[0]
        if len(rows) == 1:
            work.remove(pivot)
            return pivot if pivot[column] > 0 else [-v for v in pivot]
        for row in rows[1:]:
            factor = row[column] // pivot[column]
            row[:] = [a - factor * b for a, b in zip(row, pivot)]


def reduce_points(points: Matrix, hnf: Matrix) -> Matrix:
    """Bring integer `points`, shape (..., 3), into the cell ``0 <= r[j] < H[j, j]``."""
    out = np.array(points, dtype=np.int64)
    for j in (2, 1, 0):
        out -= (out[..., j] // hnf[j, j])[..., None] * hnf[j]
    return out


def cell_points(hnf: Matrix) -> Matrix:
    """Primitive cells of a supercell, shape (index, 3), first coordinate slowest."""
    return np.array(list(np.ndindex(*map(int, np.diag(hnf)))), dtype=np.int64).reshape(-1, 3)


def cell_index(points: Matrix, hnf: Matrix) -> NDArray[np.int64]:
    """Row of :func:`cell_points` that each integer point is equivalent to."""
    r = reduce_points(points, hnf)
    _, b, c = (int(v) for v in np.diag(hnf))
    return (r[..., 0] * b + r[..., 1]) * c + r[..., 2]


def all_hermite(index: int) -> NDArray[np.int64]:
    """Every superlattice of an index, shape (n, 3, 3)."""
    if index < 1:
        raise StructureError(f"supercell index {index} is not a positive number")
    return np.array(list(_hermite_of(index)), dtype=np.int64)


def _hermite_of(index: int) -> Iterator[list[list[int]]]:
    for a in _divisors(index):
        for b in _divisors(index // a):
            c = index // a // b
            for x, y, z in np.ndindex(a, a, b):
                yield [[a, 0, 0], [int(x), b, 0], [int(y), int(z), c]]


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def inequivalent_hermite(index: int, rotations: Matrix) -> list[tuple[Matrix, int]]:
    """Superlattices of an index, one of each class under `rotations`, with the class size.

    Parameters
    ----------
    rotations
        Point operations in the primitive basis, shape (g, 3, 3): a column of fractional
        coordinates x goes to R x.
    """
    seen: dict[bytes, int] = {}
    classes: list[tuple[Matrix, int]] = []
    turned = np.unique(np.asarray(rotations), axis=0)
    for matrix in all_hermite(index):
        if matrix.tobytes() in seen:
            continue
        images = {hermite(matrix @ r.T).tobytes() for r in turned}
        seen |= dict.fromkeys(images, 1)
        classes.append((matrix, len(images)))
    return classes
