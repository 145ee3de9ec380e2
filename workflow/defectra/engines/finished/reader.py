"""What every reader of finished runs offers, and what it gives back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from defectra.campaign.engine import Parsed
from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_text

_HEAD = 6000  # bytes of a file that recognition looks at
LARGEST = 3_000_000_000  # bytes; nothing larger is looked into


# What editors and people leave of a former file.
BACKUP = re.compile(r"~$|^\._|^#.*#$|\.(?:bak|orig|old|swp|tmp|backup)\d*$", re.I)
PACKED_FOLDER = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|7z|rar)$", re.I)


class Axis(StrEnum):
    """What the zero of an energy axis is."""

    ABSOLUTE = "absolute"
    FERMI = "relative to the Fermi level"
    EDGE = "relative to the edge energy"
    ENGINE = "zero of the engine"


@dataclass(frozen=True)
class Absorber:
    """What a run says about the site that absorbs.

    Attributes
    ----------
    element, edge
        Empty if the run does not say.
    index
        Number of the site in the run's own structure, from 0; None if not known.
    listed
        Number of the site in the asymmetric list of the run's own structure, from 0: of a CIF, or
        of a cell with a space group. It is no index of the expanded cell.
    label
        Where `index` or the element comes from, for people.
    shells
        (element, distance in Å) of the atoms about the absorber, if the run lists a cluster.
    others
        Elements of the potentials that the run names; empty if it names none.
    """

    element: str = ""
    edge: str = ""
    index: int | None = None
    label: str = ""
    shells: tuple[tuple[str, float], ...] = ()
    others: frozenset[str] = frozenset()
    listed: int | None = None


@dataclass(frozen=True)
class Reading:
    """One spectrum of a finished run.

    Attributes
    ----------
    parsed
        Spectrum, Fermi level, threshold, self-consistency; NaN for what the run does not say.
    converged
        None if the run does not say.
    axis, unit
        Of the energies, and of the absorption.
    inputs
        What the engine read, by name: the identity of the calculation. Empty if not there.
    structures
        Files of the run that hold its structure, the best first.
    own_structure
        Structure that the input itself spells out, as (lattice rows in Å, species, fractional
        coordinates).
    own_listed
        For each site of `own_structure` its number in the asymmetric list; empty: all are listed.
    identity
        `calculation_id`, if the run's own input states it; else that of `inputs`.
    potentials
        Titles of the potentials that the run says; they are no part of its identity.
    """

    parsed: Parsed
    absorber: Absorber
    version: str
    axis: Axis
    unit: str
    converged: bool | None
    inputs: Mapping[str, str] = field(default_factory=dict)
    structures: tuple[Path, ...] = ()
    own_structure: tuple[NDArray[np.float64], list[str], NDArray[np.float64]] | None = None
    own_listed: tuple[int, ...] = ()
    note: str = ""
    identity: str = ""
    potentials: tuple[str, ...] = ()


class Folder:
    """The files of one folder, with the first bytes of each read once.

    Parameters
    ----------
    path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._heads: dict[Path, str] = {}

    @cached_property
    def files(self) -> list[Path]:
        """Regular files, by name; no packed folders, no backups."""
        found = (p for p in self.path.iterdir() if p.is_file() and not p.is_symlink())
        names = (PACKED_FOLDER, BACKUP)
        return sorted(p for p in found if not any(n.search(plain_name(p)) for n in names))

    def head(self, path: Path) -> str:
        """First characters of a file, unpacked; empty if it cannot be read."""
        if path not in self._heads:
            try:
                large = path.stat().st_size > LARGEST
                self._heads[path] = "" if large else read_text(path, _HEAD)
            except (EngineError, OSError):
                self._heads[path] = ""
        return self._heads[path]

    def named(self, *names: str) -> Path | None:
        """First file of these names, packed or not, in any case."""
        wanted = [n.lower() for n in names]
        found = {plain_name(p).lower(): p for p in reversed(self.files)}
        return next((found[n] for n in wanted if n in found), None)


class Reader(Protocol):
    """A module of this package that reads the runs of one engine."""

    ENGINE: str
    PARSER_VERSION: str
    COMPANIONS: re.Pattern[str]  # names of its other inputs and outputs
    MARKS: tuple[str, ...]  # or words at their beginning, lower case

    def find(self, folder: Folder) -> list[tuple[Path, ...]]:
        """Files of each spectrum in a folder; several files are polarisations of one.

        A run that was started and left no spectrum is given by its input file alone.
        """

    def read(self, files: tuple[Path, ...], folder: Folder) -> Reading:
        """Read one of them."""


def spectrum(
    energy: NDArray[np.float64],
    mu: NDArray[np.float64],
    *,
    efermi: float = float("nan"),
    edge: float = float("nan"),
    converged: bool | None = None,
    iterations: int = 0,
) -> Parsed:
    """Spectrum of an engine that gives neither an atomic background nor an edge step."""
    return Parsed(energy, mu, np.empty(0), efermi, edge, float("nan"), bool(converged), iterations)
