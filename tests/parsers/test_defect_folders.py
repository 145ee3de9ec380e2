"""Defect levels of VASP folders of any host: potentials that are missing, bands, sites."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from in_one_call import cells_of_folder, levels_of_folder

from defectra.core.errors import EngineError
from defectra.defects.point_defects import identify
from defectra.engines.vasp.states import capacity, states

CASES = Path(__file__).resolve().parents[1] / "data" / "defects"
DIELECTRIC = 10 * np.eye(3)


def test_missing_potentials_are_no_correction_never_zero():
    (row,), _ = levels_of_folder(CASES / "l01_vasp_levels_no_outcar", "CdTe", DIELECTRIC, 0.14)
    assert row["bare_eV"] == pytest.approx(0.4)
    assert row["mark"] == "not corrected"
    assert math.isnan(row["corrected_eV"])
    assert math.isnan(row["freysoldt_eV"])
    assert "no correction possible" in row["message"]
    cells = cells_of_folder(CASES / "l01_vasp_levels_no_outcar", "CdTe", DIELECTRIC)
    charged = next(c for c in cells if c["charge"])
    assert math.isnan(charged["efnv_eV"])
    assert math.isnan(charged["corrected_above_bulk_eV"])


@pytest.mark.parametrize("lacks", ["bulk", "Cu_Cd_m1"])
def test_one_outcar_that_is_missing_is_enough(tmp_path, lacks):
    shutil.copytree(CASES / "l02_vasp_levels_fermi_not_near_zero/near_zero", tmp_path / "runs")
    (tmp_path / "runs" / lacks / "OUTCAR").unlink()
    (row,), _ = levels_of_folder(tmp_path / "runs", "CdTe", DIELECTRIC, 0.14)
    assert (row["mark"], math.isnan(row["corrected_eV"])) == ("not corrected", True)


def test_bands_may_lie_anywhere():
    folder = CASES / "l02_vasp_levels_fermi_not_near_zero"
    for name in ("near_zero", "moved_5eV"):
        cells = cells_of_folder(folder / name, "CdTe", DIELECTRIC)
        assert {c["gap_eV"] for c in cells} == {1.5}


class Bands:
    """Eigenvalues of an invented run: k-points x bands, spins apart."""

    def __init__(self, spins, weights, **parameters):
        self.parameters = parameters
        self.actual_kpoints_weights = weights
        self.eigenvalues = {
            k: np.stack(2 * [np.asarray(s, float)], -1) for k, s in enumerate(spins)
        }
        for table in self.eigenvalues.values():
            table[..., 1] = 0.5  # occupations tell nothing here


@pytest.mark.parametrize(
    ("spins", "flags", "electrons", "holds", "edges"),
    [
        ([[[-9, -8, -5], [-9, -7, -6]]], {}, 4, 2, (-7, -6)),
        ([[[-9, -8, -5], [-9, -7, -6]]], {"LSORBIT": True}, 2, 1, (-7, -6)),
        ([[[-9, -8, -5], [-9, -7, -6]]], {"LNONCOLLINEAR": True}, 1, 1, (-9, -8)),
        ([[[7, 8, 12], [7, 8, 13]], [[7, 11, 12], [7, 11, 13]]], {}, 3, 1, (8, 11)),
        ([[[-9, -8, -5], [-9, -8, -6]]], {}, 3, 2, (-8, -8)),  # a metal: no gap
    ],
    ids=["closed shell", "spin-orbit", "non-collinear", "spin-polarised", "odd"],
)
def test_band_edges_by_electron_count(spins, flags, electrons, holds, edges):
    run = Bands(spins, [0.25, 0.75], **flags)
    assert capacity(run) == holds
    found = states(run, electrons)
    assert (found["vbm_eV"], found["cbm_eV"]) == edges


def test_too_few_bands_are_reported():
    with pytest.raises(EngineError, match="too few bands"):
        states(Bands([[[-9, -8]]], [1.0]), 4)


def test_charged_defects_of_y2ti2o5s2(mirror):
    """doped 93c8b99: eFNV 0.12699, Freysoldt 0.11670, sum 0.04176 eV; multiplicities 1 and 2."""
    pytest.importorskip("pydefect", reason="extra `levels` is not installed")
    folder = mirror / "levels/doped/YTOS"
    if not folder.is_dir():
        pytest.skip("the mirror holds no runs")
    tensor = np.diag([40.72, 40.72, 25.24])
    found = {c["charge"]: c for c in cells_of_folder(folder, "Y2Ti2O5S2", tensor)}
    fluorine = found[1]
    assert fluorine["efnv_eV"] == pytest.approx(0.12699, abs=1e-3)
    assert fluorine["freysoldt_eV"] == pytest.approx(0.11670, abs=1e-3)
    assert fluorine["corrected_above_bulk_eV"] == pytest.approx(0.04176, abs=1e-3)
    assert (fluorine["impurity"], fluorine["site"], fluorine["multiplicity"]) == ("F", "O 2a", 1)
    assert (found[-1]["site"], found[-1]["multiplicity"]) == ("interstitial", 2)
    assert math.isnan(found[-1]["freysoldt_eV"])  # no LOCPOT there
    assert 0.5 < fluorine["gap_eV"] < 1.5


def row_of(cell, **more):
    return {
        "lattice": cell.lattice.matrix.ravel().tolist(),
        "species": [s.specie.symbol for s in cell],
        "coords": cell.frac_coords.ravel().tolist(),
        **more,
    }


@pytest.mark.parametrize(
    ("group", "lengths", "angles", "species", "coords", "host"),
    [
        ("Fm-3m", (4.2, 4.2, 4.2), (90, 90, 90), ["Mg", "O"], [[0, 0, 0], [0.5] * 3], "MgO"),
        ("Pm-3m", (3.9, 3.9, 3.9), (90, 90, 90), ["Sr", "Ti", "O"],
         [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0]], "SrTiO3"),
        ("P6_3mc", (3.2, 3.2, 5.2), (90, 90, 120), ["Ga", "N"],
         [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.377]], "GaN"),
        ("P2_1/c", (5.1, 5.2, 5.3), (90, 99, 90), ["Zr", "O", "O"],
         [[0.28, 0.04, 0.21], [0.07, 0.33, 0.34], [0.45, 0.76, 0.48]], "ZrO2"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["substitution", "vacancy", "interstitial"])
def test_a_defect_is_reported_in_any_lattice(group, lengths, angles, species, coords, host, kind):
    from pymatgen.core import Lattice, Structure

    unit = Structure.from_spacegroup(
        group, Lattice.from_parameters(*lengths, *angles), species, coords
    )
    bulk = unit.make_supercell(2, in_place=False)
    own = bulk.copy()
    target = next(i for i, s in enumerate(own) if s.specie.symbol == species[-1])
    if kind == "substitution":
        own.replace(target, "F")
    elif kind == "vacancy":
        own.remove_sites([target])
    else:
        own.append("F", [0.125, 0.13, 0.14])
    rng = np.random.default_rng(0)
    moved = own.copy()
    for k in range(len(moved)):
        moved.translate_sites([k], rng.normal(0, 0.05, 3), frac_coords=False)
    found = identify(row_of(moved), row_of(bulk), host)
    assert found.impurity == ("vacancy" if kind == "vacancy" else "F")
    assert found.multiplicity > 0
    if kind == "interstitial":
        assert "i" in found.site
    else:
        assert found.multiplicity <= round(len(unit))
        where = bulk.lattice.get_all_distances([found.centre], bulk.frac_coords)[0]
        assert bulk[int(where.argmin())].specie.symbol == species[-1]
        assert where.min() < 1e-3
