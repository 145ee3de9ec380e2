"""How well intensities explain counts: the deviance of Poisson counts."""

from __future__ import annotations

import torch
from torch import Tensor

_FLOOR = 1e-9


def deviance(expected: Tensor, counts: Tensor, ideal: bool = False) -> Tensor:
    """Deviance of each pixel, ``2 (e - d - d ln(e / d))``.

    Its mean over pixels is near 1 where a right model meets many photons. Without noise the form
    ``4 (sqrt e - sqrt d)^2`` with the same curvature is taken, which does not cancel at the
    optimum; it is scaled by 1e6, since the largest intensity is 1 there.

    Parameters
    ----------
    expected, counts
        Any shape, photons.
    ideal
        Whether the counts have no noise.
    """
    if ideal:
        tiny = 1e-8
        return 4e6 * (torch.sqrt(expected + tiny) - torch.sqrt(counts + tiny)) ** 2
    ratio = torch.log((expected + _FLOOR) / (counts + _FLOOR))
    return 2 * (expected - counts - counts * ratio)
