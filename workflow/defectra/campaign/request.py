"""What is asked of an engine, and chains of requests that need each other's results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One calculation that is asked for.

    Attributes
    ----------
    engine, protocol
        Names of the engine and of its fidelity.
    calculation_id
        SHA-256 of the canonical input: the identity of the calculation.
    input
        All that the engine needs to run it; what decides no number (time limits) stands here too.
    kind
        Kind of result, which decides its table (:class:`defectra.campaign.ledger.Kind`).
    about
        Labels of the study; no part of the identity.
    atoms
        Number of atoms of the cell, which the cost is estimated from.
    """

    engine: str
    protocol: str
    calculation_id: str
    input: Mapping[str, Any]
    kind: str
    about: Mapping[str, Any] = field(default_factory=dict)
    atoms: int = 0

    @property
    def cost_kind(self) -> str:
        """What its cost depends on beside engine and protocol."""
        return str(self.about.get("kind", self.kind))


@dataclass(frozen=True)
class Waiting:
    """Calculations whose input is not known before others are finished, or that cannot be made.

    Attributes
    ----------
    engine, protocol, kind, about, atoms
        As of a request.
    count
        How many calculations.
    error_class, message
        What they wait for, or why they cannot be made.
    """

    engine: str
    protocol: str
    kind: str
    message: str
    count: int = 1
    error_class: str = "not_computed"
    about: Mapping[str, Any] = field(default_factory=dict)
    atoms: int = 0

    @property
    def cost_kind(self) -> str:
        """What their cost depends on beside engine and protocol."""
        return str(self.about.get("kind", self.kind))


# What a chain gives: one request, a batch that one start of the program serves, or what must wait.
Item = Request | list[Request] | Waiting
Known = Callable[[Request], Row | None]
Chain = Callable[[Known], Iterator[Item]]


@dataclass(frozen=True)
class Family:
    """Calculations that belong together, since one needs the result of another: a chain.

    A chain is given a function ``known`` and asks it for the result of a request that it gave
    before. The same chain computes (what is missing is computed when it is given), projects (only
    what is finished is known) and plans (what is missing, and what waits for it).

    Attributes
    ----------
    name
        Of the family, within its study.
    chain
        Makes the requests in the order in which they can be computed.
    digest
        Hexadecimal digest that decides the chunk; by default that of the name.
    """

    name: str
    chain: Chain
    digest: str = ""

    def shard(self, shards: int) -> int:
        """Number of its chunk, which never depends on what else is asked for."""
        digest = self.digest or hashlib.sha256(self.name.encode()).hexdigest()
        return int(digest[:8], 16) % shards


def batch_of(item: Item) -> Sequence[Request]:
    """Requests of an item of a chain; none of what waits."""
    if isinstance(item, Waiting):
        return []
    return [item] if isinstance(item, Request) else item


def chunk_name(study: str, number: int) -> str:
    """Name of a chunk of a study, e.g. ``levels-03``."""
    return f"{study}-{number:02d}"
