"""Variational autoencoders in torch: one that turns with the pattern, one that does not.

The encoder of the first is a circular convolution along the angle. Its latent variables are means
over the angle, its own angle is that of a first harmonic: a rotation by a step of the polar grid
moves the angle by just that step and changes no other variable, by construction. The decoder is a
function of coordinates that are turned back by the angle (arXiv:2009.10758).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from defectra.studies.stem4d.settings import Network, Polar


class Turning(nn.Module):
    """Autoencoder whose latent variables do not depend on the rotation of a pattern.

    Parameters
    ----------
    constant
        Channels beside the rings that hold the same at all angles, such as the dose.
    """

    def __init__(self, grid: Polar, settings: Network, constant: int = 0) -> None:
        super().__init__()
        self.settings, self.latent = settings, settings.latent
        wide = settings.channels
        self.layers = nn.Sequential(
            nn.Conv1d(grid.radii + constant, wide, 5, padding=2, padding_mode="circular"),
            nn.GELU(),
            nn.Conv1d(wide, wide, 5, padding=2, padding_mode="circular"),
            nn.GELU(),
        )
        self.invariant = nn.Linear(wide, 2 * settings.latent + 1)
        self.direction = nn.Conv1d(wide, 1, 1)
        angle = 2 * math.pi * torch.arange(grid.angles) / grid.angles
        self.waves: Tensor
        self.coordinates: Tensor
        self.register_buffer("waves", torch.stack([angle.cos(), angle.sin()], -1))
        radius = (torch.arange(grid.radii) + 0.5) / grid.radii
        places = torch.stack([radius[:, None] * angle.cos(), radius[:, None] * angle.sin()], -1)
        self.register_buffer("coordinates", places.reshape(-1, 2))
        self.decoder = _decoder(2 + settings.latent, settings.width, 1)

    def encode(self, rings: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Mean and log s.d. of the latent variables (n, l), angle and its log s.d. (n,)."""
        features = self.layers(rings)
        found = self.invariant(features.mean(-1))
        harmonic = (self.direction(features) @ self.waves)[:, 0]
        angle = torch.atan2(harmonic[:, 1], harmonic[:, 0] + 1e-9)
        mean, spread = found[:, : self.latent], found[:, self.latent : -1]
        return mean, spread.clamp(-6, 2), angle, found[:, -1].clamp(-6, 1)

    def decode(self, latent: Tensor, angle: Tensor, places: Tensor | None = None) -> Tensor:
        """Rings of latent variables and angles, shape (n, radii * angles).

        Parameters
        ----------
        places
            Numbers of the coordinates of the grid that are asked for, shape (k,); None: all.
        """
        asked = self.coordinates if places is None else self.coordinates[places]
        cosine, sine = angle.cos()[:, None], angle.sin()[:, None]
        x, y = asked[:, 0], asked[:, 1]
        turned = torch.stack([cosine * x + sine * y, cosine * y - sine * x], -1)
        wide = latent[:, None].expand(-1, turned.shape[1], -1)
        return self.decoder(torch.cat([turned, wide], -1))[..., 0]

    def loss(self, rings: Tensor, wanted: Tensor | None = None) -> Tensor:
        """Mean negative evidence bound, in units of the squared error of a ring.

        Parameters
        ----------
        wanted
            Rings that the decoder is to give back, shape (n, radii, angles); None: the given ones.
        """
        mean, spread, angle, angle_spread = self.encode(rings)
        latent, turned, places = mean, angle, None
        target = (rings if wanted is None else wanted).flatten(1)
        if self.training:
            latent = mean + spread.exp() * torch.randn_like(mean)
            turned = angle + angle_spread.exp() * torch.randn_like(angle)
            places = torch.randperm(target.shape[1])[: self.settings.points]
            target = target[:, places]
        error = ((self.decode(latent, turned, places) - target) ** 2).mean(1)
        wide = self.settings.angle_prior
        own = 0.5 * (angle_spread.exp() / wide) ** 2 - angle_spread + math.log(wide) - 0.5
        return (error + self.settings.beta * (divergence(mean, spread) + own) / 100).mean()

    def latents(self, rings: Tensor) -> tuple[Tensor, Tensor]:
        """Latent variables (n, l) and angle (n,)."""
        mean, _, angle, _ = self.encode(rings)
        return mean, angle


class Plain(nn.Module):
    """Autoencoder of the same size with one more latent variable, which knows no rotation."""

    def __init__(self, grid: Polar, settings: Network) -> None:
        super().__init__()
        self.settings, self.latent = settings, settings.latent + 1
        size = grid.radii * grid.angles
        self.encoder = nn.Sequential(
            nn.Linear(size, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(),
            nn.Linear(64, 2 * self.latent),
        )  # fmt: skip
        self.decoder = _decoder(self.latent, 64, size)

    def encode(self, rings: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log s.d. of the latent variables, shape (n, l) each."""
        found = self.encoder(rings.flatten(1))
        return found[:, : self.latent], found[:, self.latent :].clamp(-6, 2)

    def loss(self, rings: Tensor) -> Tensor:
        """As of :class:`Turning`."""
        mean, spread = self.encode(rings)
        latent = mean + spread.exp() * torch.randn_like(mean) if self.training else mean
        error = ((self.decoder(latent) - rings.flatten(1)) ** 2).mean(1)
        return (error + self.settings.beta * divergence(mean, spread) / 100).mean()

    def latents(self, rings: Tensor) -> tuple[Tensor, Tensor]:
        """Latent variables (n, l) and no angle: zeros (n,)."""
        mean, _ = self.encode(rings)
        return mean, mean.new_zeros(len(mean))


def divergence(mean: Tensor, spread: Tensor) -> Tensor:
    """Divergence of a normal distribution from the standard one, shape (n,)."""
    return 0.5 * (mean**2 + (2 * spread).exp() - 2 * spread - 1).sum(1)


def _decoder(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, width), nn.GELU(), nn.Linear(width, width), nn.GELU(),
        nn.Linear(width, outputs),
    )  # fmt: skip
