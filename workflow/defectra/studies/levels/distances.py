"""How far the host of a defect lies from the hosts that were learnt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def host_distances(left: Floats, right: Floats) -> Floats:
    """Distance of hosts in their scaled descriptors, shape (n, m): 1 is a standard deviation.

    Root of the mean squared difference over descriptors, so that it does not grow with their
    number.
    """
    squares = ((left[:, None] - right[None]) ** 2).mean(axis=2)
    return np.asarray(np.sqrt(squares))


@dataclass(frozen=True)
class HostRows:
    """Hosts of n defects, and the distances between hosts.

    Attributes
    ----------
    index
        Host of each row, shape (n,).
    hosts
        Scaled descriptors of each host, shape (m, p).
    between
        Distances of hosts, shape (m, m).
    """

    index: Ints
    hosts: Floats
    between: Floats

    @classmethod
    def of(cls, descriptors: Floats) -> HostRows:
        """From the scaled descriptors of the host of each row, shape (n, p)."""
        hosts, index = np.unique(descriptors, axis=0, return_inverse=True)
        return cls(index.ravel(), hosts, host_distances(hosts, hosts))

    def nearest(self, rows: Ints, out: Ints) -> Floats:
        """Distance of the host of each of `rows` to the nearest host learnt without `out`."""
        counts = np.bincount(self.index, minlength=len(self.hosts))
        learnt = counts > np.bincount(self.index[out], minlength=len(self.hosts))
        return np.asarray(self.between[np.ix_(self.index[rows], learnt)].min(axis=1))

    def usual(self, share: float) -> float:
        """Quantile of the distances of hosts, each to the nearest other: where the domain ends."""
        apart = self.between + np.where(np.eye(len(self.hosts)) > 0, np.inf, 0.0)
        return float(np.quantile(apart.min(axis=1), share))
