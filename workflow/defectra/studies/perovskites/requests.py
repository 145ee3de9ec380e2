"""What study `perovskites` asks for: pure ABX3, reference phases, vacancies and mixed cells.

A family is a reference phase, or compounds whose supercells need each other's lattice constants.
A scan of volumes needs relaxed sites, band edges and supercells the lattice constant of a scan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from defectra.campaign.costs import Measured
from defectra.campaign.ledger import Finished, Kind, Ledger, Result
from defectra.campaign.request import Chain, Family, Item, Known, Request, Row, Waiting
from defectra.campaign.studies import StudyRequests
from defectra.core.config import Config
from defectra.core.records import Status
from defectra.core.store import Archive
from defectra.engines.gpaw.engine import CELLS as ENGINE
from defectra.engines.gpaw.settings import GpawProtocol
from defectra.studies.perovskites import absorption, cells, phases, runs, supercells, tilts
from defectra.studies.perovskites.cells import CELLS, Task
from defectra.studies.perovskites.compounds import Compound
from defectra.studies.perovskites.tables import RUNS

RUN, CELL = RUNS.name, CELLS.name  # kinds of result
SPECTRUM, TILT = absorption.SPECTRA.name, tilts.TILTS.name
HOW = "set perovskites.complete: true (needs GPAW)"
NOT_DONE = f"not computed yet: {HOW}"
HYBRID = "hybrid compound: the molecule would have to be relaxed; not part of the campaign"
Protocol = tuple[str, GpawProtocol]  # name and settings
Mixed = tuple[str, str, str, str]


def _run_result(request: Request, found: Finished) -> Result:
    about = request.about
    labels = (about["name"], about["kind"], request.protocol, about["lattice"])
    return Result(runs.row_of(*labels, found.outcome(), about["phase"]))


def _cell_result(request: Request, found: Finished) -> Result:
    return Result(cells.row_of(task_of(request), request.protocol, found.outcome()))


def _spectrum_result(request: Request, found: Finished) -> Result:
    asked = request.input["job"]
    return Result(absorption.row_of(request.about, request.protocol, asked, found.outcome()))


def _tilt_result(request: Request, found: Finished) -> Result:
    asked = request.input["job"]
    return Result(tilts.row_of(request.about, request.protocol, asked, found.outcome()))


def task_of(request: Request) -> Task:
    """Job of a request of a cell, and what it is called."""
    about = request.about
    return Task(about["name"], about["phase"], about["kind"], request.input["job"])


def scan_request(compound: Compound, protocol: Protocol) -> Request:
    """Equation of state of a pure compound."""
    about = {"name": compound.name, "kind": "equation_of_state", "phase": runs.PEROVSKITE}
    about["lattice"] = runs.start(compound)  # type: ignore[assignment]
    return ENGINE.request(runs.scan_job(compound, protocol[1]), RUN, protocol[0], about)


def halide_request(cation: str, anion: str, protocol: Protocol) -> Request:
    """Equation of state of a reference phase AX in rock salt."""
    about = {"name": cation + anion, "kind": "equation_of_state", "phase": runs.ROCKSALT}
    about["lattice"] = float("nan")  # type: ignore[assignment]
    return ENGINE.request(runs.halide_job(cation, anion, protocol[1]), RUN, protocol[0], about)


def _cell_request(task: Task, protocol: Protocol) -> Request:
    about = {"name": task.name, "phase": task.phase, "kind": task.kind}
    return ENGINE.request(task.job, CELL, protocol[0], about)


def _lattice(compound: Compound, protocol: Protocol, known: Known) -> float | None:
    """Lattice constant of a pure compound, Å; None if its scan is not known to have a minimum."""
    row = known(scan_request(compound, protocol))
    return float(row["lattice"]) if row is not None and row["status"] == Status.OK else None


def compound_chain(compound: Compound, protocol: Protocol, known: Known) -> Iterator[Item]:
    """Equation of state, then the band edges at its minimum."""
    yield scan_request(compound, protocol)
    constant = _lattice(compound, protocol, known)
    if constant is None:
        yield _waiting(RUN, protocol, f"the lattice constant of {compound.name}", 1, ("bands", 5))
        return
    at = round(constant, 4)
    about = {"name": compound.name, "kind": "bands", "phase": runs.PEROVSKITE, "lattice": at}
    yield ENGINE.request(runs.bands_job(compound, at, protocol[1]), RUN, protocol[0], about)


def phase_chain(phase: phases.Phase, protocol: Protocol, known: Known) -> Iterator[Item]:
    """Relaxed sites, then an equation of state of those that are scanned."""
    first = _cell_request(phases.sites_task(phase, protocol[1]), protocol)
    yield first
    if phase.type not in phases.SCANNED:
        return
    row = known(first)
    if row is None or row["status"] != Status.OK:
        yield _waiting(
            CELL, protocol, f"the sites of {phase.formula}", 1, (cells.SCAN, first.atoms)
        )
        return
    yield _cell_request(phases.scan_task(phase, row["coords"], protocol[1]), protocol)


def vacancy_chain(host: tuple[str, str, str], protocol: Protocol, known: Known) -> Iterator[Item]:
    """The host and its band edges, then its charged vacancies."""
    compound = runs.pure_of(*host)
    at = _lattice(compound, protocol, known)
    if at is None:
        count = 2 + len(supercells.CHARGES)
        yield _waiting(
            CELL, protocol, f"the lattice constant of {compound.name}", count, (cells.CELL, 39)
        )
        return
    yield _cell_request(supercells.host_task(host, at, protocol[1]), protocol)
    yield _cell_request(supercells.edges_task(host, at, protocol[1]), protocol)
    for task in supercells.vacancy_tasks(host, at, protocol[1]):
        yield _cell_request(task, protocol)


def mixed_chain(mixed: Mixed, protocol: Protocol, known: Known, *, layers: bool) -> Iterator[Item]:
    """Mixed cells: the ordering in layers, or all others."""
    end_members = {c.name: _lattice(c, protocol, known) for c in _end_members(mixed)}
    at = supercells.vegard(mixed, {n: v for n, v in end_members.items() if v is not None})
    if at is None:
        waits = " and ".join(name for name, v in end_members.items() if v is None)
        size = 10 if layers else 40
        why = f"the lattice constant of {waits}"
        yield _waiting(CELL, protocol, why, 1, (cells.CELL, size))
        return
    tasks = supercells.mixed_tasks(mixed, at, protocol[1])
    for task in islice(tasks, 1) if layers else islice(tasks, 1, None):
        yield _cell_request(task, protocol)


def spectrum_chain(
    compound: Compound, protocol: Protocol, others: Sequence[Protocol], known: Known
) -> Iterator[Item]:
    """Dielectric function of a pure compound at the lattice constant of its scan.

    Parameters
    ----------
    protocol
        Of the scan.
    others
        Of the spectrum; beyond the first one for the error of the mesh, see
        :data:`absorption.CHECKED`.
    """
    where = runs.ions(compound)
    if where not in absorption.COMPOUNDS:
        return
    asked = others if where == absorption.CHECKED else others[:1]
    at = _lattice(compound, protocol, known)
    for one in asked:
        if at is None:
            why = f"the lattice constant of {compound.name}"
            yield _waiting(SPECTRUM, one, why, 1, ("spectrum", 5))
            continue
        about: dict[str, Any] = {"name": compound.name, "kind": "spectrum"}
        about["lattice"] = round(at, 4)
        yield ENGINE.request(absorption.job(compound, at, one[1]), SPECTRUM, one[0], about)


def tilt_chain(
    compound: Compound, protocol: Protocol, other: Protocol, known: Known
) -> Iterator[Item]:
    """Tilted cells of a pure compound with the bonds of its cubic one."""
    if runs.ions(compound) not in tilts.COMPOUNDS:
        return
    at = _lattice(compound, protocol, known)
    if at is None:
        why = f"the lattice constant of {compound.name}"
        yield _waiting(TILT, other, why, len(tilts.ANGLES), ("tilt", 20))
        return
    for angle in tilts.ANGLES:
        about: dict[str, Any] = {"name": compound.name, "kind": "tilt"}
        about |= {"lattice": round(at, 4), "angle": angle}
        yield ENGINE.request(tilts.job(compound, at, angle, other[1]), TILT, other[0], about)


def _waiting(
    kind: str, protocol: Protocol, what: str, count: int, cell: tuple[str, int]
) -> Waiting:
    """What waits for a result: `count` jobs of a kind on a cell of so many atoms."""
    step, atoms = cell
    about, why = {"kind": step}, f"waits for {what}"
    return Waiting(ENGINE.ENGINE, protocol[0], kind, why, count, about=about, atoms=atoms)


def _end_members(mixed: Mixed) -> list[Compound]:
    a, one, two, x = mixed
    return [runs.pure_of(a, b, x) for b in (one, two)]


def cells_chain(protocol: Protocol, known: Known) -> Iterator[Item]:
    """All cells beside the pure compounds, in the order of their table."""
    for phase in phases.all_phases():
        yield from phase_chain(phase, protocol, known)
    for mixed in supercells.MIXED:
        yield from mixed_chain(mixed, protocol, known, layers=True)
    for host in supercells.HOSTS:
        yield from vacancy_chain(host, protocol, known)
    for mixed in supercells.MIXED:
        yield from mixed_chain(mixed, protocol, known, layers=False)


def run_rows(ledger: Ledger, protocol: Protocol, seed: int) -> list[Row]:
    """Every known row of compounds and alkali halides; a status row for compounds without."""
    out: list[Row] = []
    for compound in runs.pure(seed):
        known = _known(compound_chain(compound, protocol, ledger), ledger)
        why = HYBRID if runs.is_hybrid(compound) else NOT_DONE
        out += known or [runs.waiting(compound.name, why)]
    halides = (halide_request(*halide, protocol) for halide in runs.alkali_halides())
    return [*out, *_known(halides, ledger)]


def _known(items: Iterator[Item], ledger: Ledger) -> list[Row]:
    found = [ledger.result(i) for i in items if isinstance(i, Request)]
    return [result.row for result in found if result is not None]


def cell_rows(ledger: Ledger, protocol: Protocol) -> list[Row]:
    """Every row of the other cells that is known, and a status row for each that is not."""
    out: list[Row] = []
    for item in cells_chain(protocol, ledger):
        if isinstance(item, Request):
            result = ledger.result(item)
            out.append(result.row if result else cells.waiting(task_of(item), NOT_DONE))
    return out


def spectrum_rows(
    ledger: Ledger, protocol: Protocol, others: Sequence[Protocol], seed: int
) -> list[Row]:
    """Every spectrum that is known."""
    chains = (spectrum_chain(c, protocol, others, ledger) for c in runs.pure(seed))
    return [row for chain in chains for row in _known(chain, ledger)]


def tilt_rows(ledger: Ledger, protocol: Protocol, other: Protocol, seed: int) -> list[Row]:
    """Every tilted cell that is known."""
    chains = (tilt_chain(c, protocol, other, ledger) for c in runs.pure(seed))
    return [row for chain in chains for row in _known(chain, ledger)]


def groups() -> list[list[str]]:
    """Names of pure compounds that belong together, since a mixed cell joins them."""
    out: list[list[str]] = []
    for mixed in supercells.MIXED:
        names = [compound.name for compound in _end_members(mixed)]
        joined = [group for group in out if set(group) & set(names)]
        out = [group for group in out if group not in joined]
        out.append(list(dict.fromkeys([n for group in joined for n in group] + names)))
    return out


def families(config: Config) -> Iterator[Family]:
    """The inorganic compounds in their seeded order, then the reference phases."""
    protocol, *others = protocols_of(config)
    order = [c for c in runs.pure(config.seed) if not runs.is_hybrid(c)]
    by_name = {compound.name: compound for compound in order}
    belong = {name: group for group in groups() for name in group}
    done: set[str] = set()
    for compound in order:
        if compound.name not in done:
            members = belong.get(compound.name, [compound.name])
            done.update(members)
            yield Family(
                min(members), _group_chain([by_name[m] for m in members], protocol, others)
            )
    for halide in runs.alkali_halides():
        yield Family("".join(halide), _one(halide_request(*halide, protocol)))
    for phase in phases.all_phases():
        family = f"{phase.formula} {phase.type}"
        yield Family(family, partial(phase_chain, phase, protocol))


def protocols_of(config: Config) -> list[Protocol]:
    """Protocol of energies and gaps, the two of spectra, and that of tilts."""
    names = [name for _, name in config.perovskites.named_protocols().values()]
    return [(name, config.protocols.gpaw[name]) for name in names]


def _group_chain(
    members: Sequence[Compound], protocol: Protocol, others: Sequence[Protocol]
) -> Chain:
    names = {compound.name for compound in members}

    def chain(known: Known) -> Iterator[Item]:
        for compound in members:
            yield from compound_chain(compound, protocol, known)
        mixed = [m for m in supercells.MIXED if {c.name for c in _end_members(m)} <= names]
        for one in mixed:
            yield from mixed_chain(one, protocol, known, layers=True)
        for host in supercells.HOSTS:
            if runs.pure_of(*host).name in names:
                yield from vacancy_chain(host, protocol, known)
        for one in mixed:
            yield from mixed_chain(one, protocol, known, layers=False)
        for compound in members:
            yield from spectrum_chain(compound, protocol, others[:2], known)
            yield from tilt_chain(compound, protocol, others[2], known)

    return chain


def _one(request: Request) -> Chain:
    def chain(known: Known) -> Iterator[Item]:  # noqa: ARG001
        yield request

    return chain


def _measured(archive: Archive) -> Iterator[Measured]:
    """What the archived calculations took."""
    atoms = {runs.PEROVSKITE: 5, runs.ROCKSALT: 2}
    sizes = [(row, atoms[row["phase"]]) for row in archive.read(RUNS)]
    sizes += [(row, len(row["species"])) for row in archive.read(CELLS)]
    sizes += [(row | {"kind": "spectrum"}, 5) for row in archive.read(absorption.SPECTRA)]
    sizes += [(row | {"kind": "tilt"}, len(row["species"])) for row in archive.read(tilts.TILTS)]
    for row, size in sizes:
        key = (ENGINE.ENGINE, row["protocol"], row["kind"])
        yield Measured(key, size, row["cpu_s"], row["wall_s"], row["max_rss_mb"])


def _part(config: Config) -> Mapping[str, Any]:
    keys = {"shards", *config.perovskites.named_protocols()}
    return {
        "seed": config.seed,
        "perovskites": config.perovskites.model_dump(mode="json", include=keys),
        "protocols": {"gpaw": {n: p.model_dump(mode="json") for n, p in protocols_of(config)}},
    }


REQUESTS = StudyRequests(
    kinds=(
        Kind(RUN, RUNS, _run_result, engine=ENGINE.ENGINE),
        Kind(CELL, CELLS, _cell_result, engine=ENGINE.ENGINE),
        Kind(SPECTRUM, absorption.SPECTRA, _spectrum_result, engine=ENGINE.ENGINE),
        Kind(TILT, tilts.TILTS, _tilt_result, engine=ENGINE.ENGINE),
    ),
    families=families,
    archive=lambda config: config.archive,
    shards=lambda config: int(config.perovskites.shards),
    engines=lambda config: (ENGINE.ENGINE,),  # noqa: ARG005
    part=_part,
    measured=_measured,
    how="perovskites.complete: true",
)
