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
        self.waves = torch.from_numpy(grid_waves(detector, number))
        self.open = torch.from_numpy(detector.open)

    def __call__(self, fields: Tensor) -> Tensor:
        """Intensity, shape (..., m, m), of fields of shape (..., n, n)."""
        amplitude = self.waves @ fields.to(self.waves.dtype) @ self.waves.T
        return (amplitude.real**2 + amplitude.imag**2) * self.open


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
        wave_x = torch.polar(torch.ones_like(phase_x), -phase_x)
        wave_y = torch.polar(lit[..., None].expand_as(phase_y), -phase_y)
        amplitude = wave_y.transpose(-1, -2) @ wave_x
        return (amplitude.real**2 + amplitude.imag**2) * self.form
