"""Small positive definite equations, solved inside compiled fits."""

from __future__ import annotations

import math

from numba import njit


@njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def solve(normal, more, factor, right, step):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Solve (normal + diag(more)) step = right by Cholesky, in place, without allocation.

    Parameters
    ----------
    normal
        Symmetric, shape (n, n); the lower half is read.
    more
        Added to the diagonal, shape (n,).
    factor
        Room for the factor, shape (n, n).
    right
        Shape (n,).
    step
        The solution is written here, shape (n,).

    Returns
    -------
    bool
        False if the equations are not positive definite; `step` is then void.
    """
    size = len(right)
    for i in range(size):
        for j in range(i + 1):
            total = normal[i, j]
            for m in range(j):
                total -= factor[i, m] * factor[j, m]
            if i == j:
                total += more[i]
                if total <= 0.0:
                    return False
                factor[i, i] = math.sqrt(total)
            else:
                factor[i, j] = total / factor[j, j]
    for i in range(size):
        total = right[i]
        for m in range(i):
            total -= factor[i, m] * step[m]
        step[i] = total / factor[i, i]
    for i in range(size - 1, -1, -1):
        step[i] /= factor[i, i]
        for m in range(i):
            step[m] -= factor[i, m] * step[i]
    return True
