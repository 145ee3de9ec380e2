"""Band of the ice fraction from power spectrum, electrons and doubt of the members.

Members that agree need not be right: in a frame that is blurred or out of focus the fringes of ice
fade, and all of them call it water. What gives such a frame away is its power spectrum beside the
ice that was found in it, and that the members are less sure. The band is learnt from simulated
frames over a range of focus, drift and dose that no network was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.quantile_band import QuantileBand, band_of_json, learn_band
from defectra.studies.segmentation import evaluate
from defectra.studies.segmentation.familiar import RINGS, described

Floats = NDArray[np.float64]
USUAL_SHARE = 0.95  # of the usual frames that are not called doubtful
JOINED = 2  # rings of the power spectrum to one input
LEAST = 1e-3  # of entropy and disagreement (nats) and spread, for the logarithm


@dataclass(frozen=True)
class FractionBand:
    """Where the true ice fraction lies, and when that is farther off than in usual frames.

    Attributes
    ----------
    beside
        Ends of the true fraction less the mean probability of ice.
    usual_reach
        Distance from the mean probability to the farther end, of which 95 % of the usual frames
        that were left out have less.
    """

    beside: QuantileBand
    usual_reach: float

    def ends(self, counts: NDArray[Any], members: NDArray[Any]) -> tuple[Floats, Floats]:
        """Lower and upper end of the ice fraction of frames, shape (n,) each."""
        lower, upper = self.beside.ends(signs(counts, members))
        fraction, _ = evaluate.fractions(members)
        return np.clip(fraction + lower, 0, 1), np.clip(fraction + upper, 0, 1)

    def reach(self, counts: NDArray[Any], members: NDArray[Any]) -> Floats:
        """How far the true fraction may be from the mean probability of ice, shape (n,)."""
        lower, upper = self.beside.ends(signs(counts, members))
        return np.maximum(upper, -lower)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"beside": self.beside.as_json(), "usual_reach": self.usual_reach}


def fraction_band_of_json(plain: Mapping[str, Any]) -> FractionBand:
    """The inverse of :meth:`FractionBand.as_json`."""
    return FractionBand(band_of_json(plain["beside"]), float(plain["usual_reach"]))


def signs(counts: NDArray[Any], members: NDArray[Any]) -> Floats:
    """What the band of frames is learnt from, shape (n, 5 + RINGS / 2).

    Ice fraction, electrons, entropy, disagreement, spread of the fraction, power by frequency.

    Parameters
    ----------
    counts
        Electrons, shape (n, h, w).
    members
        Probability of ice by each member, shape (members, n, h, w).
    """
    seen = described(counts)
    fraction, spread = evaluate.fractions(members)
    doubt = evaluate.uncertainty(members)
    logarithms = [np.log(v + LEAST) for v in (doubt["entropy"], doubt["disagreement"], spread)]
    rings = seen[:, 1:].reshape(len(seen), RINGS // JOINED, JOINED).mean(axis=2)
    return np.column_stack([fraction, seen[:, 0], *logarithms, rings])


def learn_fraction_band(
    counts: NDArray[Any],
    members: NDArray[Any],
    truth: Floats,
    movies: Sequence[str],
    usual: NDArray[np.bool_],
) -> FractionBand:
    """Band from frames whose true ice fraction is known.

    Parameters
    ----------
    truth
        Ice fraction, shape (n,).
    usual
        Which frames are taken at the usual condition, shape (n,).
    """
    fraction, _ = evaluate.fractions(members)
    band, held = learn_band(signs(counts, members), truth - fraction, movies)
    reach = np.maximum(held[:, 1], -held[:, 0])[usual]
    return FractionBand(band, float(np.quantile(reach, USUAL_SHARE, method="higher")))
