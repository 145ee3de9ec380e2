"""Cells of the hybrid protocols: what is asked, and that the shipped ones are what they were."""

import pytest

from defectra.core.config import load
from defectra.core.paths import PROJECT
from defectra.core.store import Archive
from defectra.studies.levels.inputs import DefectSet, read_sets, set_requests
from defectra.studies.levels.sets import level_rows
from defectra.studies.levels.tables import CELL_RUNS, HOST_RUNS, method

CONFIG = load()


def requests(impurity, site, charges, protocol):
    chosen = DefectSet("GaP", site, impurity, charges, 64, protocol)
    return set_requests(chosen, 5.5, CONFIG.protocols.gpaw_levels[protocol])


@pytest.mark.parametrize(
    ("impurity", "site", "odd"),
    [("Sn", "M_A", 0), ("Mg", "M_B", 0), ("S", "M_B", 0), ("Si", "M_i_A", 1)],
)
def test_one_unpaired_electron_where_the_number_is_odd(impurity, site, odd):
    _, *cells = requests(impurity, site, (1, 0, -1), "hybrid")
    assert {cell["charge"] for cell in cells} == {1, 0, -1}
    for cell in cells:
        is_odd = cell["charge"] % 2 == odd
        assert cell.get("fixed_moment", False) is is_odd
        assert sum(cell.get("moments", [])) == is_odd


def test_both_protocols_ask_for_the_same_cells_and_no_other_one_changes():
    by_hybrid, by_pbe = (requests("Sn", "M_A", (1, 0), p) for p in ("hybrid", "hybrid_pbe"))
    for own, partner in zip(by_hybrid, by_pbe):
        differing = {k for k in own.keys() | partner.keys() if own.get(k) != partner.get(k)}
        assert differing == {"id", "hybrid"}
        assert (method(own), method(partner)) == ("HSE06@PBE", "PBE")
    asked = {k for cell in requests("Sn", "M_A", (1, 0), "fast") for k in cell}
    assert not asked & {"hybrid", "fixed_moment"}


def test_both_orbitals_belong_to_the_same_cells():
    orbitals, own = (requests("Mg", "M_B", (0, -1), p) for p in ("zone_centre", "self_consistent"))
    for one, other in zip(orbitals, own):
        differing = {k for k in one.keys() | other.keys() if one.get(k) != other.get(k)}
        assert differing == {"id", "hybrid", "functional"}
        assert (method(one), method(other)) == ("HSE06@PBE", "HSE06")
    protocols = CONFIG.protocols.gpaw_levels
    assert {n for n, p in protocols.items() if p.by_hybrid} == {
        *("hybrid", "zone_centre", "self_consistent")
    }


def test_levels_by_a_hybrid_are_not_put_beside_published_pbe_levels():
    live = CONFIG.levels.live
    archive = Archive(PROJECT / live.archive)
    hosts = {r["host"]: r for r in archive.read(HOST_RUNS)}
    cells = {r["calculation_id"]: r for r in archive.read(CELL_RUNS)}
    corrections = {}
    chosen = [s for s in read_sets(PROJECT / live.sets) if s.protocol in ("hybrid", "hybrid_pbe")]
    published = {((s.host, s.site, s.impurity), q): 1.0 for s in chosen for q in (1, 0)}
    from defectra.studies.levels.sets import Tables

    tables = Tables(hosts, cells, corrections)
    rows = level_rows(chosen, tables, CONFIG.protocols.gpaw_levels, 0.14, published)
    done = [r for r in rows if r["status"] == "ok"]
    assert done
    for row in done:
        by_hybrid = row["protocol"] == "hybrid"
        assert row["fidelity"].startswith("HSE06@PBE" if by_hybrid else "PBE")
        assert (row["published_eV"] == 1.0) is not by_hybrid
