"""What a calculation costs: laws fitted to the calculations of the archive.

The CPU time of one calculation is ``seconds * (atoms / 36) ** exponent``, one law for each engine,
protocol and way of sharing potentials. ``python -m defectra.campaign.fit_costs`` fits them to the
archive and writes ``workflow/costs.yaml``; nothing else writes it, so that resources stay the same
from run to run.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from defectra.campaign.request import Request, Waiting
from defectra.core.errors import ConfigError
from defectra.core.paths import PACKAGE, PROJECT

Row = dict[str, Any]
Key = tuple[str, str, str]

ATOMS = 36.0  # of the cell to which `seconds` refers
LAST_DIGIT = 1e-3  # s, of the accounting
FEWEST = 8  # rows of a law of the size; below that there is none
FEWEST_OF_ONE_SIZE = 4  # rows of cells of one size: a mean needs fewer than an exponent
ALONE, SAME_EDGE, OTHER_EDGE = "alone", "same edge", "other edge"
_HEAD = """\
# What calculations cost, fitted to resources/archive by `make costs`; not edited by hand.
# CPU seconds of one calculation = seconds * (atoms / 36) ** exponent
#   sharing     potentials computed for it alone, or reused from the same edge (another fidelity)
#               or from another edge of the same site
#   seconds     at 36 atoms in the cell, mean (not median)
#   error       one standard error of the exponent; outside `atoms` it is an extrapolation
#   scatter     standard deviation of ln(CPU time) about the law
#   wall        median of wall over CPU time on the (busy) machine that filled the archive
#   memory_mb   largest resident memory of the engine; 0: not measured
#   basis       empty: fitted; else what it is extrapolated from, `scatter` then being that of the
#               ratio of both protocols on the same sites
"""


@dataclass(frozen=True)
class Law:
    """Cost of one kind of calculation; the units stand in the head of the YAML file."""

    engine: str
    protocol: str
    sharing: str
    seconds: float
    exponent: float
    error: float
    scatter: float
    wall: float
    memory_mb: float
    count: int
    atoms: tuple[int, int]
    basis: str = ""

    @property
    def key(self) -> Key:
        """Engine, protocol, sharing."""
        return self.engine, self.protocol, self.sharing

    def cpu(self, atoms: int) -> float:
        """CPU seconds of one calculation on a cell of `atoms` atoms."""
        return self.seconds * (atoms / ATOMS) ** self.exponent


def sharing(row: Mapping[str, Any], edges: Mapping[str, str]) -> str:
    """How a calculations row came by its potentials; `edges` gives the edge of each id."""
    owner = row["shared_from"]
    if not owner:
        return ALONE
    return SAME_EDGE if edges.get(owner, row["edge"]) == row["edge"] else OTHER_EDGE


def fit(calculations: Iterable[Row], geometries: Iterable[Row]) -> list[Law]:
    """Laws of every kind with enough finished rows; relaxations count as ``alone``.

    Parameters
    ----------
    calculations, geometries
        Rows of the archive.
    """
    cells = list(geometries)
    atoms = {row["geometry_id"]: len(row["species"]) for row in cells}
    rows = list(calculations)
    edges = {row["calculation_id"]: row["edge"] for row in rows}
    kinds: dict[Key, list[tuple[int, Row]]] = defaultdict(list)
    for row in rows:
        if row["status"] == "ok" and row["cpu_s"] > 0 and row["geometry_id"] in atoms:
            key = (row["engine"], row["protocol"], sharing(row, edges))
            kinds[key].append((atoms[row["geometry_id"]], row))
    for row in cells:
        if row["status"] == "ok" and row["cpu_s"] > 0:
            kinds["chgnet", row["protocol"], ALONE].append((len(row["species"]), row))
    return [_law(key, found) for key, found in sorted(kinds.items()) if _enough(found)]


@dataclass(frozen=True)
class Measured:
    """What one finished calculation took: the key of its law, atoms, CPU and wall seconds, MB.

    The engines of arrays have a size of their own in place of the atoms.
    """

    key: Key
    atoms: int
    cpu_s: float
    wall_s: float
    memory_mb: float


def measured_row(key: Key, size: int, row: Mapping[str, Any]) -> Measured:
    """What a row says of its calculation; times below the last digit that is kept are half of it.

    Parameters
    ----------
    row
        ``cpu_s``, ``wall_s``, ``max_rss_mb``.
    """
    cpu, wall = (max(float(row[name]), LAST_DIGIT / 2) for name in ("cpu_s", "wall_s"))
    return Measured(key, size, cpu, wall, float(row["max_rss_mb"]))


def fit_measured(found: Iterable[Measured]) -> list[Law]:
    """Laws of every kind with enough finished calculations of any engine."""
    kinds: dict[Key, list[tuple[int, Row]]] = defaultdict(list)
    for one in found:
        if one.cpu_s > 0:
            row = {"cpu_s": one.cpu_s, "wall_s": one.wall_s, "max_rss_mb": one.memory_mb}
            kinds[one.key].append((one.atoms, row))
    return [_law(key, rows) for key, rows in sorted(kinds.items()) if _enough(rows)]


def _enough(found: list[tuple[int, Row]]) -> bool:
    """Are there rows enough for a law?"""
    sizes = {size for size, _ in found}
    return len(found) >= (FEWEST_OF_ONE_SIZE if len(sizes) == 1 else FEWEST)


def extrapolated(laws: Iterable[Law], pairs: Iterable[Row]) -> list[Law]:
    """Laws of protocols without one, from sites that were computed at them and at a measured one.

    The cost of the measured protocol, times the mean ratio of both on the same sites; no law where
    there is no such pair.

    Parameters
    ----------
    pairs
        Calculations rows of sites at several protocols.
    """
    known = {law.key[:2]: law for law in laws if law.sharing == ALONE}
    sites: dict[tuple[Any, ...], dict[tuple[str, str], float]] = defaultdict(dict)
    for row in pairs:
        if row["status"] == "ok" and row["cpu_s"] > 0:
            key = tuple(row[k] for k in ("engine", "geometry_id", "site", "edge"))
            sites[key][row["engine"], row["protocol"]] = row["cpu_s"]
    ratios: dict[tuple[str, str], dict[tuple[str, str], list[float]]] = {}
    for found in sites.values():
        for new in found.keys() - known.keys():
            for old in found.keys() & known.keys():
                ratio = math.log(found[new] / found[old])
                ratios.setdefault(new, {}).setdefault(old, []).append(ratio)
    return [_ratio_law(new, known, by) for new, by in sorted(ratios.items())]


def _ratio_law(
    new: tuple[str, str],
    known: Mapping[tuple[str, str], Law],
    by: Mapping[tuple[str, str], list[float]],
) -> Law:
    """Law from the measured protocol with the most pairs; one pair is good to a factor of e."""
    old = max(by, key=lambda name: (len(by[name]), known[name].count))
    logs, law = by[old], known[old]
    mean = sum(logs) / len(logs)
    spread = math.sqrt(sum((v - mean) ** 2 for v in logs) / max(len(logs) - 1, 1))
    scatter = math.hypot(law.scatter, spread if len(logs) > 1 else 1.0)
    basis = f"{old[1]} times {math.exp(mean):.1f}, {len(logs)} sites at both"
    return replace(law, protocol=new[1], seconds=_rounded(law.seconds * math.exp(mean)),
                   scatter=round(scatter, 3), count=len(logs), basis=basis)  # fmt: skip


def _law(key: Key, found: list[tuple[int, Row]]) -> Law:
    """Least squares of ln(CPU) against ln(atoms), scaled to the mean of the CPU times."""
    import numpy as np

    numbers = np.array([n for n, _ in found])
    cpu = np.array([row["cpu_s"] for _, row in found])
    wall = np.array([row["wall_s"] for _, row in found])
    x, y = np.log(numbers / ATOMS), np.log(cpu)
    spread = float(((x - x.mean()) ** 2).sum()) if numbers.min() < numbers.max() else 0.0
    slope = float((x - x.mean()) @ (y - y.mean())) / spread if spread > 0 else 0.0
    rest = y - y.mean() - slope * (x - x.mean())
    scatter = float(np.sqrt(rest @ rest / max(len(found) - 2, 1)))
    seconds = float(cpu.sum() / np.exp(slope * x).sum())
    return Law(
        *key,
        seconds=_rounded(seconds),
        exponent=round(slope, 2),
        error=round(scatter / spread**0.5, 2) if spread > 0 else 0.0,
        scatter=round(scatter, 3),
        wall=round(float(np.median(wall / cpu)), 2),
        memory_mb=round(max(row["max_rss_mb"] for _, row in found), 1),
        count=len(found),
        atoms=(int(numbers.min()), int(numbers.max())),
    )


def _rounded(seconds: float) -> float:
    """Hundredths, or three digits of what is less."""
    return round(seconds, 2) if seconds >= 1 else float(f"{seconds:.3g}")


def dump(laws: Iterable[Law], source: str) -> str:
    """Text of the YAML file."""
    rows = [{**asdict(law), "atoms": list(law.atoms)} for law in laws]
    rows = [{k: v for k, v in row.items() if v or k != "basis"} for row in rows]
    lines = [
        f"  - {yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=500)}"
        for row in rows
    ]
    return f"{_HEAD}fitted_to: '{source}'\nlaws:\n{''.join(lines)}"


def load(path: str | Path) -> dict[Key, Law]:
    """Laws of a YAML file.

    Raises
    ------
    ConfigError
        If the file is missing or is not what :func:`dump` writes.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        laws = [Law(**{**row, "atoms": tuple(row["atoms"])}) for row in data["laws"]]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        text = " ".join(str(error).split())
        raise ConfigError(
            f"{path}: not a table of costs ({text}); `make costs` writes it"
        ) from None
    return {law.key: law for law in laws}


def own_tables() -> list[Path]:
    """Tables that engines bring, see :mod:`defectra.campaign.measured_costs`."""
    return sorted((PACKAGE / "engines").glob("*/costs.yaml"))


def texts(path: Path) -> str:
    """Text of a table of costs and of those that engines bring: what an estimate depends on."""
    return "\n".join(one.read_text(encoding="utf-8") for one in (path, *own_tables()))


def load_with_own(path: Path) -> dict[Key, Law]:
    """Laws of a table of costs, and those that engines bring where it has none."""
    own = (load(one) for one in own_tables())
    return {key: law for table in own for key, law in table.items()} | load(path)


def law_of(item: Request | Waiting, laws: Mapping[Key, Law]) -> Law | None:
    """Law of a calculation; that of its engine and kind where protocols share one; None."""
    kinds = (item.cost_kind, ALONE)
    keys = [(item.engine, p, k) for p in (item.protocol, "") for k in kinds]
    return next((laws[key] for key in keys if key in laws), None)


def weights() -> Callable[[Request | Waiting], float]:
    """Function that gives the expected seconds of a calculation; what is not known weighs 1 s."""
    try:
        laws = load_with_own(PROJECT / "workflow" / "costs.yaml")
    except ConfigError:
        laws = {}

    def weigh(item: Request | Waiting) -> float:
        law = law_of(item, laws)
        return 1.0 if law is None else law.cpu(item.atoms or int(ATOMS)) * law.wall

    return weigh
