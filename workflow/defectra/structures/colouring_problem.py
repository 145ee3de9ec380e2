"""The colouring problem of a supercell: its sites, its colours, and the group on them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from defectra.structures.polya import Amounts, count, multinomial


@dataclass(frozen=True)
class Problem:
    """Colouring problem on the coloured sites alone.

    Attributes
    ----------
    sites
        Coloured sites of the supercell, sublattice by sublattice, shape (n,).
    blocks
        Columns of each sublattice.
    palette
        Species of each colour number; colours of different sublattices are different numbers.
    colours, amounts
        Colour numbers and how many sites each gets, for each sublattice; the most abundant last.
    permutations
        Group on the coloured sites, unique rows, identity first, shape (g, n).
    """

    sites: NDArray[np.int64]
    blocks: tuple[slice, ...]
    palette: tuple[str, ...]
    colours: tuple[tuple[int, ...], ...]
    amounts: tuple[Amounts, ...]
    permutations: NDArray[np.int32]

    @property
    def raw(self) -> int:
        """Number of colourings, equivalent ones counted apart."""
        return prod(multinomial(a) for a in self.amounts)

    def count(self) -> int:
        """Number of inequivalent colourings, exactly."""
        return count(self.permutations, self.blocks, self.amounts)
