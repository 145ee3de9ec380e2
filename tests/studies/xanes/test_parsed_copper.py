"""Finished FEFF runs of new structures join the Cu K table; the others are left out and say why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Poscar

from defectra.core.errors import TableError
from defectra.core.store import read_table, write_table
from defectra.studies.xanes.copper import COPPER, GRID, MARGIN
from defectra.studies.xanes.parsed import GEOMETRY, formula_of, parsed_copper

CARDS = """CONTROL 1 1 1 1 1 1
COREHOLE RPA
S02 0
EXCHANGE 0 0.0 0.0 2
SCF 7.0 0 100 0.2 3
FMS {fms} 0
XANES 4 0.04 0.1
EDGE K
RPATH -1
EGRID
k_grid -1 0 0.04
k_grid 0 6 0.04

POTENTIALS
"""
HEADER = """# FEFF 9.9.1
# POT  SCF 100  7.0000   0, screened core-hole, AFOLP (folp(0)= 1.150)
# Abs   Z=29 Rmt= 1.325 Rnm= 1.386 K  shell
# Pot 1 Z=29 Rmt= 1.325 Rnm= 1.386
# Pot 2 Z= 8 Rmt= 1.035 Rnm= 1.211
# Gam_ch=1.729E+00 H-L exch Vi= 0.000E+00 Vr= 0.000E+00
# Mu=-8.096E+00eV kf=1.794E+00 Vint=-1.488E+01eV Rs_int= 2.022
#  xsedge+ 50, used to normalize mu           2.4327E-04
#  -----------------------------------------------------------------------
#  omega    e    k    mu    mu0     chi     @#
"""


def rock_salt(edge: float) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(edge), ["Cu", "O"],
                                     [[0, 0, 0], [0.5, 0.5, 0.5]])  # fmt: skip


def zinc_blende(edge: float) -> Structure:
    return Structure.from_spacegroup("F-43m", Lattice.cubic(edge), ["Cu", "O"],
                                     [[0, 0, 0], [0.25, 0.25, 0.25]])  # fmt: skip


def spectrum(edge: float) -> np.ndarray:
    """Two columns: eV and absorption, edge step = 1."""
    energy = GRID[0] - 3 + 0.3 * np.arange(140)
    return np.c_[energy, 0.5 + np.arctan(energy - edge) / np.pi]


def write_run(folder: Path, cell: Structure, edge: float, fms: float = 9.0) -> None:
    """``feff.inp`` and ``xmu.dat`` of FEFF9 as pymatgen lays them out, first Cu atom."""
    folder.mkdir(parents=True)
    near = sorted(cell.get_sites_in_sphere(cell[0].coords, 6.0), key=lambda s: s.nn_distance)
    number = {"Cu": 1, "O": 2}
    lines = [
        f"{x:.5f} {y:.5f} {z:.5f} {number[s.specie.symbol] if k else 0} {s.specie.symbol} "
        f"{s.nn_distance:.5f} {k}"
        for k, s in enumerate(near)
        for x, y, z in [s.coords - cell[0].coords]
    ]
    potentials = "0 29 Cu -1 -1 0.0001 0\n1 29 Cu -1 -1 1 0\n2 8 O -1 -1 1 0\n\nATOMS\n"
    text = CARDS.format(fms=fms) + potentials + "\n".join(lines) + "\nEND\n"
    (folder / "feff.inp").write_text(text)
    rows = [
        f"{e:12.3f} {e - 8996.4:10.3f} {0.05 * k:8.3f} {mu:.5E} {mu:.5E} 0.00000E+00"
        for k, (e, mu) in enumerate(spectrum(edge))
    ]
    (folder / "xmu.dat").write_text(HEADER + "\n".join(rows) + "\n")
    Poscar(cell).write_file(folder / "POSCAR")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("feff")
    write_run(folder / "new", zinc_blende(4.3), 8990.0)
    write_run(folder / "copy", zinc_blende(4.31) * (1, 1, 2), 8990.5)
    write_run(folder / "published", rock_salt(4.25), 8991.0)
    write_run(folder / "other settings", zinc_blende(4.5), 8992.0, fms=7.0)
    return folder


PUBLISHED = {"mp-1": str(Poscar(rock_salt(4.24))), "mp-2": str(Poscar(rock_salt(4.2)))}


def test_new_structures_join_in_groups_of_their_own(runs: Path, tmp_path: Path) -> None:
    rows, left_out = parsed_copper([runs], PUBLISHED, GEOMETRY)
    assert len(rows) == 2
    assert {row["origin"] for row in rows} == {"parsed"}
    (group,) = {row["material"] for row in rows}  # a copy of twice the size stays with its crystal
    assert group.startswith("parsed ")
    assert len({row["site"] for row in rows}) == 2
    for row in rows:
        assert row["coordination"] == pytest.approx(4.0, abs=0.02)
        assert row["bond_length"] == pytest.approx(4.3 * np.sqrt(3) / 4, abs=0.01)
    inner = [np.array(r["mu"])[MARGIN:-MARGIN] for r in rows]
    wanted = [0.5 + np.arctan(GRID - e) / np.pi for e in (8990.0, 8990.5)]
    assert min(np.abs(inner[0] - w).max() for w in wanted) < 0.01
    assert np.abs(inner[0] - inner[1]).max() > 0.05, "each has its own spectrum"
    write_table(tmp_path / "copper.parquet", rows, COPPER)
    assert [r["site"] for r in read_table(tmp_path / "copper.parquet", COPPER)] == [
        r["site"] for r in rows
    ]
    told = " | ".join(left_out)
    assert "is mp-1 of the published data" in told or "is mp-2 of the published data" in told
    assert "fidelities do not mix" in told
    assert left_out.total() == 2


def test_cells_made_in_another_way_and_folders_that_are_not_there_are_said(
    runs: Path, tmp_path: Path
) -> None:
    rows, left_out = parsed_copper([runs], PUBLISHED, "parsed")
    assert rows == []
    assert any("set xanes.parsed_geometry: Materials Project" in reason for reason in left_out)
    with pytest.raises(TableError, match="no such folder"):
        parsed_copper([tmp_path / "none"], PUBLISHED, GEOMETRY)


def test_the_same_runs_read_twice_count_once(runs: Path) -> None:
    once, _ = parsed_copper([runs], PUBLISHED, GEOMETRY)
    twice, _ = parsed_copper([runs, runs], PUBLISHED, GEOMETRY)
    assert [(r["site"], r["mu"]) for r in once] == [(r["site"], r["mu"]) for r in twice]


def test_formula_of_a_poscar_sums_its_blocks() -> None:
    text = "x\n1.0\n1 0 0\n0 1 0\n0 0 1\nCu O Cu\n1 4 1\ndirect\n"
    assert formula_of(text) == "CuO2"
