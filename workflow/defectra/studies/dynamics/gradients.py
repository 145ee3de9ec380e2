"""Rates of change with gradients written out: automatic ones take nearly twice as long.

Tests hold both gradients equal to finite differences.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class KernelRate(torch.autograd.Function):
    """Rate of oscillators on a periodic grid, ``cos t (w * sin t) - sin t (w * cos t)``."""

    @staticmethod
    def forward(ctx: Any, theta: Tensor, factor: Tensor) -> Tensor:
        """Rate of angles, shape (..., n, n).

        Parameters
        ----------
        factor
            Of each Fourier component by the kernel, shape (n, n // 2 + 1).
        """
        waves = torch.stack([theta.sin(), theta.cos()])
        spectrum = torch.fft.rfft2(waves)
        near = torch.fft.irfft2(spectrum * factor, s=theta.shape[-2:])
        ctx.save_for_backward(waves, spectrum, near, factor)
        return waves[1] * near[0] - waves[0] * near[1]

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of angles and factor."""
        waves, spectrum, near, factor = ctx.saved_tensors
        sine, cosine = waves
        shape = slope.shape[-2:]
        back = torch.fft.rfft2(torch.stack([cosine * slope, -sine * slope]))
        turned = torch.fft.irfft2(back * factor.conj(), s=shape)
        by_theta = cosine * turned[0] - sine * turned[1]
        by_theta -= slope * (sine * near[0] + cosine * near[1])
        found = (spectrum.conj() * back).flatten(0, -3).sum(0)
        return by_theta, found * _columns(shape[-1], slope) / (shape[0] * shape[1])


def _columns(number: int, like: Tensor) -> Tensor:
    """How often each column of a half spectrum counts in the whole one, shape (n // 2 + 1,)."""
    count = like.new_full((number // 2 + 1,), 2.0)
    count[0] = 1
    if number % 2 == 0:
        count[-1] = 1
    return count


class PairRate(torch.autograd.Function):
    """Velocity of particles that act along the lines between them."""

    @staticmethod
    def forward(ctx: Any, place: Tensor, table: Tensor, pairs: Tensor, per_length: float) -> Tensor:
        """Velocities, shape (n, 2).

        Parameters
        ----------
        place
            Shape (n, 2), length.
        table
            Speeds at the distances ``(k + 1/2) / per_length``, linear between, length/time.
        pairs
            That may act, shape (2, p).
        """
        away = _between(place, pairs)
        distance = (away[0] ** 2 + away[1] ** 2).sqrt()
        free = distance * per_length - 0.5
        position = free.clamp(0, len(table) - 1 - 1e-6)
        below = position.nan_to_num(0.0).long()  # places that are none stay so, by their part
        part = position - below
        rise = (table[1:] - table[:-1]).index_select(0, below)
        factor = (table.index_select(0, below) + part * rise) / distance
        rise = torch.where(free == position, rise * per_length, 0.0)
        ctx.save_for_backward(away, distance, below, part, rise, factor, pairs)
        ctx.sizes = len(place), len(table)
        return _gathered(away * factor, pairs, len(place))

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Gradients of places and table."""
        away, distance, below, part, rise, factor, pairs = ctx.saved_tensors
        number, nodes = ctx.sizes
        pulled = -_between(slope, pairs)
        along = (pulled[0] * away[0] + pulled[1] * away[1]) / distance
        by_away = factor * pulled + along * (rise - factor) / distance * away
        by_place = _gathered(by_away, pairs, number).neg()
        lower, upper = along * (1 - part), along * part
        by_table = torch.bincount(below, lower, minlength=nodes)
        by_table = by_table + torch.bincount(below + 1, upper, minlength=nodes)
        return by_place, by_table, None, None


def _between(place: Tensor, pairs: Tensor) -> Tensor:
    """Second less first of each pair, shape (2, p); one axis at a time, which is faster."""
    found = [axis.index_select(0, pairs[1]) - axis.index_select(0, pairs[0]) for axis in place.T]
    return torch.stack(found)


def _gathered(step: Tensor, pairs: Tensor, number: int) -> Tensor:
    """Sums of steps of pairs, (2, p): added to the first, taken from the second; shape (n, 2)."""
    found = [
        torch.bincount(pairs[0], axis, minlength=number)
        - torch.bincount(pairs[1], axis, minlength=number)
        for axis in step
    ]
    return torch.stack(found, -1)
