"""Site averages: weights, counts, shifts, and nothing dropped in silence."""

import numpy as np
import pytest
from planted import GRIDS, ONSET, curve, engine_axis, planted, site_rows, structures, world

from defectra.core.errors import TableError
from defectra.core.records import SITE_AVERAGES
from defectra.core.store import to_arrow
from defectra.spectra.align import covered, points
from defectra.spectra.average import average_sites
from defectra.studies.nmc.settings import Grid


def one(mu_of, status="ok", sites=2, edge="O K"):
    cell = structures(1)[0]
    tasks, calcs, spectra = site_rows(cell, edge, "fast", "chgnet", mu_of, status, sites)
    return cell, tasks, calcs, spectra


def bump(energy, _label, height=1.0):
    return curve(energy, 531, [(538, height, 2)])


def test_schema_area_and_provenance():
    cell, tasks, calcs, spectra = one(bump)
    (row,) = average_sites(calcs, spectra, [cell], tasks, GRIDS)
    to_arrow([row], SITE_AVERAGES)
    assert np.trapezoid(row["mu"], row["energy_eV"]) == pytest.approx(1.0)
    assert row["energy_eV"][0] == 528.9
    assert row["energy_eV"][-1] == pytest.approx(562.1)
    assert sorted(row["calculation_ids"]) == sorted(c["calculation_id"] for c in calcs)
    assert (row["n_computed"], row["n_failed"], row["n_unconverged"]) == (2, 0, 0)
    assert row["n_sites"] == list(cell["species"]).count("O")
    assert row["site_scatter"] == pytest.approx(0.0, abs=1e-12)


def test_multiplicity_weighs():
    cell, tasks, calcs, spectra = one(lambda e, lab: bump(e, lab, 1.0))
    spectra[1]["mu"] = bump(engine_axis(ONSET["O K"]), "", 3.0).tolist()
    alone = []
    for k in (0, 1):
        (row,) = average_sites(calcs[k : k + 1], spectra, [cell], tasks[k : k + 1], GRIDS)
        alone.append(np.array(row["mu"]))
    calcs[0]["multiplicity"], calcs[1]["multiplicity"] = 3, 1
    (row,) = average_sites(calcs, spectra, [cell], tasks, GRIDS)
    np.testing.assert_allclose(row["mu"], 0.75 * alone[0] + 0.25 * alone[1], rtol=1e-10)
    assert row["site_scatter"] > 0.01
    (single,) = average_sites(calcs[:1], spectra, [cell], tasks[:1], GRIDS)
    assert np.isnan(single["site_scatter"]), "one site says nothing of others"


@pytest.mark.parametrize("place", [(5000.0, 5010.0, 1.0), (0.5289, 0.5621, 0.001)])
def test_a_grid_that_is_elsewhere_is_named_with_both_ranges(place):
    """Far below, or in keV: the spectra begin at zero, so that none ends before the grid does."""
    start, stop, step = place
    cell, tasks, calcs, spectra = one(bump)
    for row in spectra:
        row["energy_eV"] = [e + 5600 for e in row["energy_eV"]]
        row["mu"] = [0.0, *row["mu"][1:]]
    grids = {"O K": Grid(start=start, stop=stop, step=step)}
    said = r"^O K: the spectrum runs from 6\d+\.\d to 6\d+\.\d eV, the grid from .* eV: .*--grid"
    with pytest.raises(TableError, match=said) as error:
        average_sites(calcs, spectra, [cell], tasks, grids)
    assert f"the grid from {start:g} to {stop:g} eV" in str(error.value)
    assert "edges.O K" in str(error.value)


@pytest.mark.parametrize(
    "ends", [(0.0, 1e9, 1e-3), (0.0, 1.0, 1e-300), (0.0, float("inf"), 1.0), (0.0, 1e5, 1.0)]
)
def test_a_grid_of_too_many_points_is_refused(ends):
    start, stop, step = ends
    with pytest.raises(ValueError, match="points; at most 100000"):
        Grid(start=start, stop=stop, step=step)


def test_failures_and_missing_sites_are_counted():
    cell, tasks, calcs, spectra = one(bump, sites=4)
    calcs[1]["status"] = "failed"
    calcs[2]["status"] = "unconverged"
    del calcs[3]
    (row,) = average_sites(calcs, spectra, [cell], tasks, GRIDS)
    assert (row["n_computed"], row["n_failed"], row["n_unconverged"]) == (2, 2, 1)


def test_all_failed_is_a_row_without_a_curve():
    cell, tasks, calcs, spectra = one(bump, status="failed")
    (row,) = average_sites(calcs, spectra, [cell], tasks, GRIDS)
    assert row["mu"] == []
    assert row["n_failed"] == 2
    assert np.isnan(row["site_scatter"])


def test_a_run_replaces_the_archive_for_the_same_site():
    cell, tasks, calcs, spectra = one(bump, sites=1)
    old = calcs[0] | {"calculation_id": "old", "origin": "archive"}
    (row,) = average_sites([old, *calcs, old], spectra, [cell], tasks, GRIDS)
    assert row["calculation_ids"] == [calcs[0]["calculation_id"]]


def test_declared_shift_moves_every_spectrum_by_the_same():
    cell, tasks, calcs, spectra = one(bump)
    moved = {"O K": GRIDS["O K"].model_copy(update={"shift": 2.0})}
    a = average_sites(calcs, spectra, [cell], tasks, GRIDS)[0]["mu"]
    b = average_sites(calcs, spectra, [cell], tasks, moved)[0]["mu"]
    assert np.argmax(b) - np.argmax(a) == 10


def test_shift_off_the_grid_is_an_error_that_names_the_edge():
    cell, tasks, calcs, spectra = one(bump)
    moved = {"O K": GRIDS["O K"].model_copy(update={"shift": -60.0})}
    with pytest.raises(TableError, match=r"O K.*edges\.O K\.shift"):
        average_sites(calcs, spectra, [cell], tasks, moved)


@pytest.mark.parametrize("last", [548.0, 558.0])
def test_a_spectrum_that_ends_inside_the_grid_is_a_failed_site_with_a_reason(last):
    """Above its last energy it would be a constant; the other site of the cell is kept."""
    cell, tasks, calcs, spectra = one(bump)
    whole = average_sites(calcs[1:], spectra, [cell], tasks[1:], GRIDS)[0]
    kept = int(np.searchsorted(spectra[0]["energy_eV"], last))
    spectra[0] |= {k: spectra[0][k][:kept] for k in ("energy_eV", "mu")}
    told = []
    (row,) = average_sites(calcs, spectra, [cell], tasks, GRIDS, told)
    assert (row["n_computed"], row["n_failed"]) == (1, 1)
    assert row["mu"] == whole["mu"]
    assert told[0]["source"] == spectra[0]["calculation_id"][:16]
    assert "562.1 eV" in told[0]["reason"]
    (row,) = average_sites(calcs[:1], spectra, [cell], tasks[:1], GRIDS)
    assert row["mu"] == [], "no run ends because of one spectrum"


def test_before_the_edge_a_spectrum_may_begin_late_if_it_begins_at_zero():
    cell, tasks, calcs, spectra = one(bump, sites=1)
    grid = {"O K": GRIDS["O K"].model_copy(update={"start": spectra[0]["energy_eV"][0] - 8.0})}
    (row,) = average_sites(calcs, spectra, [cell], tasks, grid)
    assert (row["n_computed"], row["mu"][0]) == (1, pytest.approx(0, abs=1e-3))
    spectra[0]["mu"] = (np.array(spectra[0]["mu"]) + 0.5).tolist()
    told = []
    (row,) = average_sites(calcs, spectra, [cell], tasks, grid, told)
    assert row["n_failed"] == 1
    assert "at its first, not zero" in told[0]["reason"]


def test_unknown_structure_and_unknown_edge_are_errors():
    cell, tasks, calcs, spectra = one(bump)
    with pytest.raises(TableError, match="structures"):
        average_sites(calcs, spectra, [], tasks, GRIDS)
    with pytest.raises(TableError, match="O K"):
        average_sites(calcs, spectra, [cell], tasks, {"Ni K": GRIDS["Ni K"]})


def test_protocols_and_geometries_never_meet_in_a_row():
    cell, tasks, calcs, spectra = one(bump)
    for protocol, geometry in (("balanced", "chgnet"), ("fast", "vegard")):
        rows = site_rows(cell, "O K", protocol, geometry, bump)
        for total, part in zip((tasks, calcs, spectra), rows):
            total.extend(part)
    out = average_sites(calcs, spectra, [cell], tasks, GRIDS)
    assert len(out) == 3
    assert {len(r["calculation_ids"]) for r in out} == {2}


def test_points_of_a_grid():
    grid = Grid(start=0, stop=1, step=0.3)
    np.testing.assert_allclose(points(grid), [0, 0.3, 0.6, 0.9])
    assert covered([0.5, 9.0], grid) == pytest.approx(0.5)
    assert covered([5.0, 9.0], grid) == 0.0


class Looked(dict):
    """A row that counts how often any row of its kind was looked at."""

    looks = 0

    def __getitem__(self, key):
        Looked.looks += 1
        return super().__getitem__(key)

    def get(self, key, default=None):
        Looked.looks += 1
        return super().get(key, default)


def looks_at(number):
    """How often the rows of so many structures are looked at."""
    cell, _, calcs, spectra = one(bump, sites=1, edge="Ni K")
    names = range(number)
    cells = [Looked(cell, structure_id=f"s{k}") for k in names]
    many = [Looked(calcs[0], structure_id=f"s{k}", calculation_id=f"c{k}") for k in names]
    curves = [Looked(spectra[0], calculation_id=f"c{k}") for k in names]
    before = Looked.looks
    assert len(average_sites(many, curves, cells, [], GRIDS)) == number
    return Looked.looks - before


def test_work_grows_with_the_number_of_spectra_and_not_with_its_square():
    few, many = looks_at(100), looks_at(1_000)
    assert 0 < few < many <= 10 * few


def test_world_has_every_edge():
    cells = structures(2)
    tasks, calcs, spectra = world(cells, GRIDS, planted)
    assert len(average_sites(calcs, spectra, cells, tasks, GRIDS)) == 2 * len(GRIDS)
