"""Laws of motion that are learned: a kernel, a force between pairs, a field in a plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from defectra.studies.dynamics.gradients import KernelRate, PairRate

SIDE = 11


class KernelLaw(nn.Module):
    """Kuramoto oscillators with a free kernel.

    The weights are held in coordinates in which the rates of known states are uncorrelated:
    otherwise the amplitude of the kernel converges last.

    Parameters
    ----------
    states
        Known angles, shape (m, n, n): decide the coordinates.
    floor
        Eigenvalues below this share of the largest one are raised to it.
    """

    to_kernel: Tensor
    places: Tensor

    def __init__(self, states: Tensor, floor: float = 1e-4) -> None:
        super().__init__()
        self.number = states.shape[-1]
        features = neighbour_sines(states).flatten(1)
        covariance = features @ features.T / features.shape[1]
        value, vector = torch.linalg.eigh(covariance)
        value = value.clamp_min(floor * float(value[-1]))
        self.register_buffer("to_kernel", vector / value.sqrt())
        self.register_buffer("places", _kernel_places(self.number))
        self.free = nn.Parameter(torch.zeros(len(value), dtype=states.dtype))

    @property
    def kernel(self) -> Tensor:
        """Weights, shape (11, 11), 1/time; the centre has no effect and is 0."""
        weights = self.to_kernel @ self.free
        middle = SIDE * SIDE // 2
        zero = weights.new_zeros(1)
        return torch.cat([weights[:middle], zero, weights[middle:]]).view(SIDE, SIDE)

    def factor(self, kernel: Tensor | None = None) -> Tensor:
        """Factor of each Fourier component; of the learned kernel, if none is given."""
        weights = self.kernel if kernel is None else kernel
        field = weights.new_zeros(self.number * self.number)
        field = field.index_add(0, self.places, weights.flatten())
        return torch.fft.rfft2(field.view(self.number, self.number)).conj()

    def rate(self, theta: Tensor, factor: Tensor) -> Tensor:
        """Rate of change of angles, shape (..., n, n)."""
        found: Tensor = KernelRate.apply(theta, factor)
        return found

    def forward(self, theta: Tensor) -> Tensor:
        """Rate of change of angles, shape (..., n, n)."""
        return self.rate(theta, self.factor())


def _kernel_places(number: int) -> Tensor:
    """Place in a flattened grid of each weight of the kernel, centre at 0."""
    steps = (torch.arange(SIDE) - SIDE // 2) % number
    return (steps[:, None] * number + steps[None, :]).flatten()


def neighbour_sines(theta: Tensor) -> Tensor:
    """Sine of the angle to each neighbour of the kernel, shape (120, ..., n, n), centre left out.

    The rate of change is their sum with the weights of the kernel.
    """
    half = SIDE // 2
    found = [
        torch.sin(torch.roll(theta, (-y, -x), (-2, -1)) - theta)
        for y in range(-half, half + 1)
        for x in range(-half, half + 1)
        if (y, x) != (0, 0)
    ]
    return torch.stack(found)


def perceptron(inputs: int, width: int, depth: int, outputs: int, seed: int) -> nn.Sequential:
    """Network of smooth (tanh) layers in double precision, weights drawn from a seed.

    Parameters
    ----------
    depth
        Hidden layers.
    """
    generator = torch.Generator().manual_seed(seed)
    sizes = [inputs, *[width] * depth, outputs]
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layer = nn.Linear(a, b, dtype=torch.float64)
        nn.init.normal_(layer.weight, std=1 / math.sqrt(a), generator=generator)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


class RadialLaw(nn.Module):
    """Particles that move along the lines between them, with a speed that a network gives.

    The network is evaluated on a grid of distances and interpolated linearly between them.

    Parameters
    ----------
    profile
        Speed of a pair along its line, length/time, of distances; positive attracts.
    reach
        Largest distance that the profile is asked for, length; pairs beyond do not act.
    nodes
        Distances of the grid.
    """

    grid: Tensor

    def __init__(self, profile: nn.Module, reach: float, nodes: int = 240) -> None:
        super().__init__()
        self.profile, self.reach, self.nodes = profile, reach, nodes
        steps = torch.arange(nodes + 1, dtype=torch.float64) + 0.5
        self.register_buffer("grid", steps * reach / nodes)

    def table(self) -> Tensor:
        """Speeds at the distances of the grid, shape (nodes + 1,)."""
        inside = self.grid < self.reach
        values: Tensor = self.profile(self.grid) * inside
        return values

    def velocity(self, place: Tensor, table: Tensor, pairs: Tensor) -> Tensor:
        """Velocities, shape (n, 2), from a table of speeds and the pairs that may act, (2, p)."""
        found: Tensor = PairRate.apply(place, table, pairs, self.nodes / self.reach)
        return found


def close_pairs(place: Tensor, reach: float) -> Tensor:
    """Pairs (i < j) nearer than `reach`, shape (2, p)."""
    near = torch.pdist(place) < reach
    first, second = torch.triu_indices(len(place), len(place), 1)
    return torch.stack([first[near], second[near]])


class FreeProfile(nn.Module):
    """Speed of a pair from a network of its distance and of the inverse of it."""

    def __init__(self, scale: float, seed: int) -> None:
        super().__init__()
        self.network, self.scale = perceptron(2, 16, 2, 1, seed), scale

    def forward(self, x: Tensor) -> Tensor:
        """Speeds of distances."""
        return self.scale * self.network(torch.stack([x, 0.1 / (x + 0.1)], -1))[..., 0]


class PullProfile(nn.Module):
    """Speed of a pair ``c g (1 - g / x)`` with a positive pull ``g`` from a network.

    The form is that of arXiv:2311.14196 with ``g = x h``; the network has no cut-off built in. It
    begins as a pull that falls off with the distance.

    Parameters
    ----------
    factor
        c, 1/time.
    """

    def __init__(self, factor: float, seed: int) -> None:
        super().__init__()
        self.network, self.factor = perceptron(1, 16, 2, 1, seed), factor

    def forward(self, x: Tensor) -> Tensor:
        """Speeds of distances."""
        pull = self.pull(x)
        return self.factor * pull * (1 - pull / x)

    def pull(self, x: Tensor) -> Tensor:
        """Positive pull ``g``, length."""
        return nn.functional.softplus(4 * self.network(2 * x[:, None] - 1)[:, 0] - 6 * x)


class CutPullProfile(PullProfile):
    """The same with a smooth cut-off inside, whose reach is learned beside the network.

    Network and cut-off can stand in for each other, so that the reach is not decided by the data.
    """

    def __init__(self, factor: float, seed: int, first_guess: float) -> None:
        super().__init__(factor, seed)
        self.reach = nn.Parameter(torch.tensor(first_guess, dtype=torch.float64))

    def pull(self, x: Tensor) -> Tensor:
        """Pull times the cut-off of arXiv:2311.14196."""
        inside = x < self.reach * (1 - 1e-6)
        safe = torch.where(inside, x, 0.5 * self.reach)
        exponent = 1 / (safe - self.reach) - 1 / (safe - 2 * self.reach)
        return super().pull(x) * torch.where(inside, 0.5 * (1 + torch.tanh(exponent)), 0.0)


class PlanarLaw(nn.Module):
    """Rate of change of a place in a plane from a network.

    Parameters
    ----------
    middle, spread
        Of the places that are known, length: the network sees ``(place - middle) / spread``.
    """

    middle: Tensor

    def __init__(self, middle: Tensor, spread: float, seed: int) -> None:
        super().__init__()
        self.network, self.spread = perceptron(2, 16, 2, 2, seed), spread
        with torch.no_grad():
            list(self.network.parameters())[-2].mul_(
                0.1
            )  # else a first path may run away and never return
        self.register_buffer("middle", middle)

    def forward(self, place: Tensor) -> Tensor:
        """Rates, shape (..., 2)."""
        found: Tensor = self.network((place - self.middle) / self.spread)
        return found

    def size(self) -> Tensor:
        """Sum of the squared weights: what a smooth law keeps small."""
        return torch.stack([(p**2).sum() for p in self.parameters()]).sum()


class Committee(nn.Module):
    """Mean rate of several laws."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, state: Tensor) -> Tensor:
        """Rates, of the shape of the state."""
        return torch.stack([member(state) for member in self.members]).mean(0)
