"""The forward models of engine `coherent` in torch, for gradients; a test holds them equal."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from defectra.engines.coherent.scattering import Detector, grid_waves, sphere_form_factor


class GridPatterns:
    """Intensities of real fields on a grid.

    Parameters
    ----------
    detector, number
        As of :func:`defectra.engines.coherent.scattering.grid_waves`.
    """

    def __init__(self, detector: Detector, number: int) -> None:
        waves = grid_waves(detector, number)
        self.waves = torch.from_numpy(np.concatenate([waves.real, waves.imag]))
        self.open = torch.from_numpy(detector.open)

    def __call__(self, fields: Tensor) -> Tensor:
        """Intensity, shape (..., m, m), of fields of shape (..., n, n)."""
        return _intensity(self.waves @ fields @ self.waves.T) * self.open


class SpherePatterns:
    """Intensities of equal spheres.

    Parameters
    ----------
    detector
        Its probe and pixels.
    radius
        Of the spheres, length.
    """

    def __init__(self, detector: Detector, radius: float) -> None:
        q = detector.q
        form = sphere_form_factor(np.hypot(q[:, None], q[None, :]), radius) ** 2
        self.form = torch.from_numpy(form * detector.open)
        self.q = torch.from_numpy(q)
        self.width = detector.width

    def __call__(self, centres: Tensor, probe_at: Tensor | None = None) -> Tensor:
        """Intensity, shape (..., m, m), of spheres at `centres`, shape (..., n, 2).

        Parameters
        ----------
        probe_at
            Centre of the probe, shape (..., 2); None: the origin.
        """
        away = centres if probe_at is None else centres - probe_at[..., None, :]
        lit = torch.exp(-(away**2).sum(-1) / (2 * self.width**2))
        phase_x, phase_y = (centres[..., k, None] * self.q for k in (0, 1))
        wave_x = torch.cat([phase_x.cos(), phase_x.sin()], -1)
        wave_y = torch.cat([phase_y.cos(), phase_y.sin()], -1) * lit[..., None]
        return _intensity(wave_y.transpose(-1, -2) @ wave_x) * self.form


def _intensity(products: Tensor) -> Tensor:
    """Squared modulus of amplitudes, shape (..., m, m), from products of real waves.

    Parameters
    ----------
    products
        Shape (..., 2 m, 2 m): (real, imaginary) of y times (real, imaginary) of x. Real numbers
        take half the time of complex ones.
    """
    m = products.shape[-1] // 2
    real = products[..., :m, :m] - products[..., m:, m:]
    imaginary = products[..., :m, m:] + products[..., m:, :m]
    return real**2 + imaginary**2
