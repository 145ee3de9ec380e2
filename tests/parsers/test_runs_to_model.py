"""A folder of finished runs becomes a training table, a model and predictions, all by the CLI."""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from defectra.cli.main import main
from defectra.engines.finished.settings_beside import beside, kinds
from defectra.engines.finished.settings_digest import settings_digest
from defectra.learn.saved import load
from defectra.structures import make
from defectra.structures.families import Cell, families
from defectra.studies.xanes.omnixas import read_spectra

INCAR = """ALGO = Normal
CH_LSPEC = .TRUE.
ICORELEVEL = 2
CLNT = {absorber}
CLN = 1 ; CLL = 0
CLZ = 1.0
ENCUT = {cutoff}
ISPIN = 2
"""
FIRST, STEP = 8983.173, 0.25  # eV, grid of the published VASP spectra (OmniXAS)


def poscar(lattice: Any, blocks: list[tuple[str, Any]]) -> str:
    """Text of a POSCAR with these blocks of one element each."""
    lines = ["made for a test", "1.0", *(" ".join(f"{v:.8f}" for v in row) for row in lattice)]
    lines += [" ".join(e for e, _ in blocks), " ".join(str(len(c)) for _, c in blocks), "Direct"]
    lines += [" ".join(f"{v:.8f}" for v in p) for _, coords in blocks for p in coords]
    return "\n".join(lines) + "\n"


def write_vasp(folder: Path, text: str, energy: Any, mu: Any, *, absorber: int, cutoff: int = 400):
    """A finished core-hole run: inputs, and the spectrum as it is taken out of the OUTCAR."""
    folder.mkdir(parents=True)
    (folder / "INCAR").write_text(INCAR.format(absorber=absorber, cutoff=cutoff))
    (folder / "POSCAR").write_text(text)
    rows = "\n".join(f"{e:.6f} {m:.8f}" for e, m in zip(energy, mu))
    (folder / "CORE_DIELECTRIC_IMAG.dat").write_text(rows + "\n")


def rocksalt(constant: float, metal: str, empty: int = 0) -> list[tuple[str, Any]]:
    """Conventional cell of MO, the absorber first and alone; `empty` oxygen sites are vacant."""
    corners = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    oxygen = (corners + np.array([0.5, 0, 0]))[: 4 - empty]
    return [("Ni", corners[:1]), (metal, corners[1:]), ("O", oxygen)]


def edge(constant: float, energy: Any) -> Any:
    """A K edge that moves with the inverse square of the bond (Natoli's rule)."""
    shift = 60.0 / (constant / 2) ** 2
    x = energy - 8333.0 - shift
    return 1 / (1 + np.exp(-x / 1.2)) + 0.6 * np.exp(-((x - 6) ** 2) / 8)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Cells of several metals and lattice constants, each with a copy that lacks an oxygen."""
    root, energy = tmp_path / "runs", np.arange(8320.0, 8390.0, 0.25)
    metals = ("Ni", "Co", "Mg", "Ca", "Mn", "Fe", "Cd", "Zn")
    for k, metal in enumerate(metals):
        constant = 4.0 + 0.07 * k
        for empty in (0, 1):
            text = poscar(constant * np.eye(3), rocksalt(constant, metal, empty))
            name = root / metal / ("vacancy" if empty else "host")
            write_vasp(name, text, energy, edge(constant, energy), absorber=1)
    return root


def walked(folder: Path, out: Path, *words: str) -> Path:
    assert main(["import", str(folder), "--out", str(out / "import")]) == 0
    table = out / "training.parquet"
    assert main(["table", str(out / "import"), "--out", str(table), *words]) == 0
    return table


def rows_of(path: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(path).to_pylist())


def test_runs_of_vasp_to_a_model_and_a_prediction(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = walked(made, tmp_path)
    rows = rows_of(table)
    assert len(rows) == 16
    assert {r["engine"] for r in rows} == {"vasp"}
    assert {r["origin"] for r in rows} == {"parsed"}
    assert len({r["group"] for r in rows}) == 8, "a vacancy stays with its host"
    ni = next(r for r in rows if r["formula"] == "Ni1 O1")
    assert (ni["x_O"], ni["empty_O"], ni["n_atoms"]) == (0.5, 0, 8)
    assert ni["nearest_A: Ni"] == pytest.approx(4.0 / 2)
    lacking = next(r for r in rows if r["formula"] == "Ni4 O3")
    assert (lacking["x_O"], lacking["empty_O"]) == (pytest.approx(3 / 7), 1)
    assert lacking["family"] == ni["structure_id"]
    model = tmp_path / "model.npz"
    words = ["--target", "nearest_A: Ni", "--group", "group", "--out", str(model)]
    capsys.readouterr()
    assert main(["train", str(table), *words]) == 0
    assert "16 rows in 8 groups" in capsys.readouterr().out
    assert load(model).about.edge == "Ni K"
    axis = np.arange(8200.0, 8500.0, 0.25)
    measured = tmp_path / "measured.xdi"
    np.savetxt(measured, np.column_stack([axis, edge(4.21, axis)]),
               header="XDI/1.0\nColumn.1: energy eV\nColumn.2: mutrans\n---")  # fmt: skip
    main(["predict", str(model), str(measured), "--shift", "0", "--shift-sd", "0.1"])
    told = capsys.readouterr().out.splitlines()[-1]
    assert float(told.split("nearest_A: Ni ")[1].split()[0]) == pytest.approx(4.21 / 2, abs=0.06)
    assert main(["predict", str(model), str(table)]) == 1, "a table is no measured spectrum"


def test_half_a_spectrum_and_a_second_one_of_a_site_are_reported(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One ends 25 eV before the grid does, one is of a site that another run has, and differs."""
    energy = np.arange(8320.0, 8390.0, 0.25)
    text = poscar(4.6 * np.eye(3), rocksalt(4.6, "Sr"))
    write_vasp(made / "Sr", text, energy[:140], edge(4.6, energy[:140]), absorber=1)
    twice = poscar(4.0 * np.eye(3), rocksalt(4.0, "Ni"))
    write_vasp(made / "again", twice + "\n", energy, edge(4.2, energy), absorber=1)
    same = poscar(4.0 * np.eye(3), rocksalt(4.0, "Ni"))
    write_vasp(made / "same input", same, energy, edge(4.4, energy), absorber=1)
    out = tmp_path / "t.parquet"
    assert main(["table", str(made), "--out", str(out), "--grid", "8310:8380:0.5"]) == 0
    assert "Ni K: 17 spectra begin at zero more than 2 eV above" in capsys.readouterr().out
    with (tmp_path / "t_left_out.csv").open(encoding="utf-8") as handle:
        reasons = [row["reason"] for row in csv.DictReader(handle)]
    assert len(rows_of(out)) == 16
    assert (
        sum("runs from 8320.0 to 8354.8 eV, the grid from 8310 to 8380" in r for r in reasons) == 1
    )
    assert sum("another spectrum of Ni K of site" in r for r in reasons) == 1
    assert sum("but another spectrum, which is not kept" in r for r in reasons) == 1


def test_two_protocols_are_not_mixed_and_broken_runs_are_told(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    energy = np.arange(8320.0, 8390.0, 0.25)
    text = poscar(4.6 * np.eye(3), rocksalt(4.6, "Sr"))
    write_vasp(made / "Sr", text, energy, edge(4.6, energy), absorber=1, cutoff=520)
    write_vasp(made / "cut", text, energy[:3], edge(4.6, energy[:3]), absorber=1)
    out = tmp_path / "t.parquet"
    assert main(["table", str(made), "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert "do not mix in one table" in told
    names = [part.split("'")[1] for part in told.split("; ") if "'" in part]
    chosen = next(n for n in names if f"'{n}' (16 spectra)" in told)
    assert main(["table", str(made), "--out", str(out), "--fidelity", chosen]) == 0
    assert len(rows_of(out)) == 16
    assert {r["protocol"] for r in rows_of(out)} == {chosen.split()[1]}
    with (tmp_path / "t_left_out.csv").open(encoding="utf-8") as handle:
        (left,) = csv.DictReader(handle)
    assert "cut" in left["source"]
    assert left["reason"]
    assert main(["table", str(made), "--out", str(out), "--fidelity", "vasp x parsed"]) == 2
    assert "there are: 'vasp parsed-" in capsys.readouterr().err
    words = ["--fidelity", chosen, "--edge", "O K"]
    assert main(["table", str(made), "--out", str(out), *words]) == 2
    assert "the edges are: Ni K" in capsys.readouterr().err


def mesh(numbers: str) -> str:
    return f"by hand\n0\nGamma\n{numbers}\n0 0 0\n"


def test_meshes_and_potentials_are_fidelities(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Gamma alone and 8 x 8 x 8 of one cell, another POTCAR of nickel; small steps are one."""
    for folder in made.glob("*/*/"):
        (folder / "KPOINTS").write_text(mesh("4 4 4"))
        titles = "TITEL = PAW_PBE Ni 02Aug2007\nTITEL = PAW_PBE O 08Apr2002\n"
        (folder / "POTCAR").write_text(titles)
    out = tmp_path / "t.parquet"
    assert main(["table", str(made), "--out", str(out)]) == 0, "cells of several sizes are alike"
    (made / "Mg" / "host" / "KPOINTS").write_text(mesh("1 1 1"))
    capsys.readouterr()
    assert main(["table", str(made), "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert "(15 spectra)" in told
    assert "-k0." in told
    assert "spacing of the k-points" in told
    (made / "Mg" / "host" / "KPOINTS").write_text(mesh("4 4 5"))
    assert main(["table", str(made), "--out", str(out)]) == 0
    (made / "Mg" / "host" / "POTCAR").write_text("TITEL = PAW_PBE Ni_GW 31Mar2010\n")
    capsys.readouterr()
    assert main(["table", str(made), "--out", str(out)]) == 2
    assert "-p" in capsys.readouterr().err


def test_mesh_of_a_kpoints_file_as_spacing() -> None:
    cell = poscar(4 * np.eye(3), [("Ni", [[0, 0, 0]])])

    def spacing(text: str) -> str:
        return beside({"KPOINTS": text, "POSCAR": cell}, ())

    assert spacing(mesh("8 8 8")) == "k=0.1963,0.1963"
    assert spacing("auto\n0\nAuto\n32\n") == spacing(mesh("8 8 8"))
    assert spacing("Gamma\n1\nReciprocal\n0 0 0 1\n") == spacing(mesh("1 1 1"))
    assert spacing("two\n2\nReciprocal\n0 0 0 1\n.5 0 0 1\n")[:2] == "k="
    one = settings_digest({"INCAR": "KSPACING = 0.3", "POSCAR": cell})
    assert one != settings_digest({"INCAR": "KSPACING = 0.5", "POSCAR": cell})
    words = ["k=0.2,0.2", "k=0.25,0.25", "k=0.3,0.3", "", "k=0.9,0.9"]
    assert kinds(words[:4]) == [""] * 4
    assert kinds(words) == ["-k0.2"] * 3 + ["-kunknown", "-k0.9"]
    nio, gw, mgo = "Ni=PAW/Ni O=PAW/O", "Ni=PAW/Ni_GW O=PAW/O", "Mg=PAW/Mg O=PAW/O"
    assert kinds([nio, mgo, "Ni=PAW/Ni+PAW/Ni_h"]) == [""] * 3
    found = kinds([nio, gw, ""])
    assert len(set(found)) == 3
    assert found[2] == "-punknown"


def test_settings_are_those_of_the_input_whatever_it_is_written_like() -> None:
    cell = poscar(np.eye(3), [("Ni", [[0, 0, 0]]), ("O", [[0.5, 0.5, 0.5]])])
    other = poscar(np.eye(3), [("O", [[0, 0, 0]]), ("Ni", [[0.5, 0.5, 0.5]])])

    def vasp(text: str, where: str = cell) -> str:
        return settings_digest({"INCAR": text, "POSCAR": where})

    one = vasp("ENCUT = 400\nCLNT = 1\nLASPH = .TRUE.\nLDAUU = 6.2 0\nSYSTEM = a")
    assert vasp("lasph = T ! x\nencut = 4.0E2\nclnt = 3\nLDAUU = 0 6.2", other) == one
    assert vasp("ENCUT = 401\nLASPH = T\nLDAUU = 6.2 0") != one
    assert vasp("ENCUT = 400\nLASPH = T\nLDAUU = 6.0 0") != one
    feff = "TITLE x\nEDGE K\nSCF 4.0\nFMS 5.0 0\nPOTENTIALS\n0 28 Ni\nATOMS\n0 0 0 0\nEND\n"
    again = "* y\nEDGE L3\nFMS 5 0\nSCF 4\nPOTENTIALS\n0 29 Cu\n1 8 O\nATOMS\n1 0 0 0\nEND\n"
    assert settings_digest({"feff.inp": feff}) == settings_digest({"feff.inp": again})
    assert settings_digest({"feff.inp": feff.replace("SCF 4.0", "SCF 4.1")}) != settings_digest(
        {"feff.inp": feff}
    )
    assert settings_digest({"other": "x"}) == ""


def cells_of_nmc() -> Iterator[Cell]:
    """Two orderings in one cell, with copies: relaxed, delithiated, with a swapped pair."""
    draw = np.random.default_rng(0)
    lattice = np.diag([14.4, 5.0, 14.2])
    sites = np.array([[i / 5, j / 2, k / 4] for i in range(5) for j in range(2) for k in range(4)])
    for order in range(2):
        metals = list(draw.permutation(["Ni"] * 6 + ["Mn"] * 2 + ["Co"] * 2))
        species = np.array(["Li"] * 10 + metals + ["O"] * 20)
        for name in ("host", "delithiated", "other delithiated", "antisite"):
            own, kept = species.copy(), np.ones(40, bool)
            if "delithiated" in name:
                kept[draw.permutation(10)[:8]] = False
            if name == "antisite":
                own[[0, 10]] = own[[10, 0]]
            moved = sites + draw.normal(0, 0.008, sites.shape)
            yield Cell(f"{order} {name}", lattice * draw.uniform(0.995, 1.005),
                       tuple(own[kept]), moved[kept])  # fmt: skip


def test_copies_of_an_ordering_are_one_family_and_other_orderings_another() -> None:
    found = families(list(cells_of_nmc()))
    parts = {name: found.family[name] for name in found.family}
    for order in ("0", "1"):
        own = {family for name, family in parts.items() if name.startswith(order)}
        assert len(own) == 1, parts
    assert len(set(parts.values())) == 2
    assert found.empty["0 delithiated"] == {"Li": 8}
    assert not found.empty["0 host"]
    assert len(set(found.group.values())) == 1, "one formula: together where the formula decides"


def test_other_metals_in_one_small_cell_are_no_family() -> None:
    cells = [
        Cell(metal, 4.2 * np.eye(3), tuple(e for e, c in rocksalt(4.2, metal) for _ in c),
             np.vstack([c for _, c in rocksalt(4.2, metal)]))
        for metal in ("Co", "Mn", "Fe")
    ]  # fmt: skip
    assert len(set(families(cells).family.values())) == 3


def test_structures_of_a_request_are_computed_tabled_and_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make structures`, `defectra run`, `defectra table --structures`, `defectra train`."""
    request, own, runs = tmp_path / "r.yaml", tmp_path / "own.parquet", tmp_path / "runs"
    request.write_text(
        "prototype: rocksalt\nconstants: {a: 4.17, cation: Ni, anion: O}\nsupercell: {atoms: 8}\n"
        "composition: {A: {Ni: 3, Mg: 1}}\ndefects: [vacancies]\n"
    )
    assert make.main([str(request), str(own), str(tmp_path / "cif")]) == 0, capsys.readouterr()
    files = sorted((tmp_path / "cif").glob("*.cif"))
    assert len(files) >= 3
    for file in files:
        if "Ni" in file.read_text():
            words = ["--edge", "Ni K", "--out", str(runs)]
            assert main(["run", "synthetic", str(file), *words]) == 0, capsys.readouterr()
    table = tmp_path / "training.parquet"
    assert main(["table", str(runs), "--structures", str(own), "--out", str(table)]) == 0
    rows = rows_of(table)
    assert {r["study"] for r in rows} == {"own"}
    assert {r["origin"] for r in rows} == {"run"}
    assert {r["vacancies"] for r in rows} == {0, 1}
    assert all(r["vacancies"] == r["defect"].startswith("V_") for r in rows)
    assert len({r["family"] for r in rows}) == 1, "every vacancy is of the one host"
    words = ["--target", "vacancies", "--group", "structure_id", "--trees", "5"]
    assert main(["train", str(table), *words]) == 0
    assert main(["train", str(table), "--target", "vacancies", "--group", "family"]) == 2
    assert "1 group(s)" in capsys.readouterr().err


MATERIALS = 60


@pytest.fixture(scope="module")
def published(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published VASP spectra of Cu sites as run folders, with the published structures.

    The mirror has the spectra as tables and the structures beside the FEFF runs of the same sites;
    the folders of the VASP runs themselves were not published.
    """
    base = mirror / "spectra/omnixas"
    pack = base / "feff_raw/Cu_FEFF_xmu_POSCAR.tar.xz"
    if not pack.exists():
        pytest.skip("no OmniXAS spectra in the mirror")
    parts = ("val", "test")
    lists = [base / f"material_id_and_site/Cu_VASP_{p}.txt" for p in parts]
    tables = [base / f"ml_data/Cu_VASP_{p}_y.txt.gz" for p in parts]
    numbered = {  # where both codes number the same site, it is the number in the POSCAR
        site
        for part in ("train", *parts)
        for site in (base / f"material_id_and_site/Cu_FEFF_{part}.txt").read_text().split()
    }
    spectra = {s: mu for s, mu in read_spectra(lists, tables).items() if s in numbered}
    root = tmp_path_factory.mktemp("published")
    with tarfile.open(pack) as archive:
        for member in archive:
            parts_of = member.name.split("/")
            if parts_of[-1] != "POSCAR":
                continue
            sites = sorted(s for s in spectra if s.rsplit("_", 1)[0] == parts_of[-2])
            handle = archive.extractfile(member)
            if sites and handle:
                text = handle.read().decode()
                for site in sites:
                    place(root, site, text, spectra[site])
            if len(list(root.iterdir())) >= MATERIALS:
                break
    return root


def place(root: Path, site: str, text: str, mu: Any) -> None:
    """A run folder of a site, whose atom is the first of the POSCAR, as VASP asks for."""
    from pymatgen.core import Structure

    material, number = site.rsplit("_", 1)
    cell = Structure.from_str(text, fmt="poscar")
    first = int(number)
    assert cell[first].specie.symbol == "Cu"
    blocks = [("Cu", [cell[first].frac_coords])]
    for element in dict.fromkeys(s.specie.symbol for s in cell):
        own = [k for k, s in enumerate(cell) if s.specie.symbol == element and k != first]
        if own:
            blocks.append((element, [cell[k].frac_coords for k in own]))
    energy = FIRST + STEP * np.arange(len(mu))
    write_vasp(root / material / site, poscar(cell.lattice.matrix, blocks), energy, mu, absorber=1)


def test_published_vasp_spectra_to_a_model(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = walked(published, tmp_path)
    rows = rows_of(table)
    materials = len(list(published.iterdir()))
    assert 40 <= len(rows) <= materials
    assert all("Cu" in r["system"].split() and "O" in r["system"].split() for r in rows)
    assert all(1.7 < r["nearest_A: Cu"] < 2.6 for r in rows), "bonds of copper to oxygen"
    model = tmp_path / "model.npz"
    words = ["--target", "nearest_A: Cu", "--group", "group", "--out", str(model)]
    capsys.readouterr()
    assert main(["train", str(table), *words, "--trees", "50"]) == 0
    told = capsys.readouterr().out
    assert all(f"\n  {name} " in told for name in ("mean", "ridge", "random forest"))
    saved = load(model)
    assert saved.about.edge == "Cu K"
    spectra = np.array([r["raw: Cu K"] for r in rows])
    answers = saved.predict(spectra)
    truth = np.array([r["nearest_A: Cu"] for r in rows])
    assert np.corrcoef(answers, truth)[0, 1] > 0.8, "on its own training rows"
