"""The live set: hosts first, then the charged cells made with their lattice constants.

Every result goes into a journal at once, so that a killed campaign loses what was in flight and
nothing else. A program of its own: ``python -m defectra.studies.levels.campaign --help``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.config import load
from defectra.core.errors import EngineError, reports_errors
from defectra.core.journal import Journal, read_journal
from defectra.core.protocols import GpawLevelsProtocol
from defectra.engines.gpaw import charged_cells as gpaw_levels
from defectra.engines.node import Guard
from defectra.engines.verdict import is_level_result, machine_class
from defectra.structures.elements import is_compound, sublattices
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.requests import (
    DefectSet,
    bulk_request,
    by_protocol,
    host_request,
    phase_requests,
    place,
    protocol_of,
    read_sets,
    run_request,
    supercell,
)

Json = dict[str, Any]
Compute = Callable[[Sequence[Mapping[str, Any]], float], dict[str, Json]]
PBE_EXPANSION = 1.01  # of the lattice over experiment, where the fit of E(V) starts


def known(journal: Path) -> dict[str, Json]:
    """Requests with their finished results, by id."""
    rows = (row for row, _ in read_journal(journal))
    return {row["id"]: row for row in rows if is_level_result(row)}


def host_requests(
    hosts: Sequence[str], properties: Mapping[str, Mapping[str, float]], p: GpawLevelsProtocol
) -> dict[str, Json]:
    """Request of each host's own run, by host."""
    return {h: host_request(h, PBE_EXPANSION * properties[h]["lattice"], p) for h in hosts}


def set_requests(chosen: DefectSet, lattice: float, p: GpawLevelsProtocol) -> list[Json]:
    """Requests of a set: the bulk cell first, then each charge, the charge falling."""
    bulk = supercell(chosen.host, round(lattice, 4), chosen.atoms)
    defect = place(bulk, chosen.site, chosen.impurity)
    species = {*bulk.supercell.crystal.species, chosen.impurity} - {"X"}
    charged = [run_request(defect, q, p, species) for q in chosen.charges]
    return [bulk_request(chosen.host, round(lattice, 4), chosen.atoms, p, species), *charged]


def set_phases(
    chosen: DefectSet, path: Path | None, protocol: GpawLevelsProtocol
) -> dict[str, Json]:
    """Requests of the phases of a csv, with the settings of a set; none without a path."""
    species = {*sublattices(chosen.host), chosen.impurity}
    return phase_requests(path, protocol, species) if path else {}


def run(
    hosts: Mapping[str, Json],
    sets: Sequence[DefectSet],
    protocol: GpawLevelsProtocol,
    journal: Path,
    archived: Mapping[str, Json],
    compute: Compute = gpaw_levels.compute,
    phases: Sequence[Json] = (),
) -> Iterator[str]:
    """Complete hosts and sets; yields a line for each piece of work.

    Parameters
    ----------
    hosts
        Request of each host.
    archived
        Results known from elsewhere, by id: not computed again.
    phases
        Requests of elements and competing phases.

    Raises
    ------
    EngineError
        ``engine_missing``: there is no GPAW.
    NodeError
        If pieces of work fail in a row because of the machine.
    """
    guard = Guard()
    with Journal(journal) as handle:
        done = {**archived, **known(journal)}

        def complete(requests: Sequence[Json], what: str) -> Iterator[str]:
            missing = [r for r in requests if r["id"] not in done]
            if not missing:
                return
            try:
                found = compute(missing, protocol.timeout_s)
            except EngineError as error:
                if error.error_class == "engine_missing":
                    raise
                yield f"{what}: {error}"
                kind = machine_class(error.error_class, str(error))
                guard.see({"error_class": kind, "message": str(error)})
                return
            guard.see({"error_class": ""})
            for request in missing:
                if request["id"] in found and is_level_result(found[request["id"]]):
                    row = {"id": request["id"], "request": request, **found[request["id"]]}
                    handle.append(row)
                    done[request["id"]] = row
            seconds = sum(r["cpu_s"] for r in found.values())
            yield f"{what}: {len(found)} of {len(missing)} computed, {seconds:.0f} CPU s"

        yield from complete(phases, "phases")
        order = dict.fromkeys([s.host for s in sets] + list(hosts))
        for host in order:
            yield from complete([hosts[host]], host)
            if hosts[host]["id"] not in done:
                continue
            lattice = done[hosts[host]["id"]]["lattice_A"]
            for chosen in (s for s in sets if s.host == host):
                yield from complete(set_requests(chosen, lattice, protocol), chosen.name)


@reports_errors
def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Compute the live set of study levels.")
    parser.add_argument("--config", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--sets", type=Path, default=Path("resources/levels/sets.csv"))
    parser.add_argument("--hosts", type=Path, default=Path("resources/levels/hosts.csv"))
    parser.add_argument("--journal", type=Path, default=Path("results/store/levels.journal"))
    parser.add_argument("--phases", type=Path, help="csv of elements and competing phases")
    parser.add_argument("--all-hosts", action="store_true", help="every host, IV-IV last")
    args = parser.parse_args()
    study = load(args.config)
    protocols, default = study.protocols.gpaw_levels, study.levels.live.protocol
    sets, properties = read_sets(args.sets), read_hosts(args.hosts)
    names = dict.fromkeys(s.host for s in sets)
    if args.all_hosts:
        names |= dict.fromkeys(sorted(properties, key=lambda h: not is_compound(h)))
    for name, some in (by_protocol(sets) or {default: []}).items():
        protocol = protocol_of(some[0], protocols) if some else protocols[name]
        hosts = host_requests(list(names), properties, protocol)
        wanted = [s for s in some if s.name in study.levels.live.formation]
        phases = [r for s in wanted for r in set_phases(s, args.phases, protocol).values()]
        for line in run(hosts, some, protocol, args.journal, {}, phases=phases):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
