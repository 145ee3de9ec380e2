"""New structures from finished runs in the training table of study `nmc`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from defectra.cli.run import Asked, run
from defectra.core.config import Config, load
from defectra.core.errors import EngineError
from defectra.core.records import Defect
from defectra.engines.finished.parsed import parsed_spectra
from defectra.engines.spectrum import spectrum_engine
from defectra.structures.composition import METALS
from defectra.structures.geometry import to_pymatgen, vegard
from defectra.structures.layered import ideal_lattice
from defectra.studies.nmc.parsed import Fidelity, bonding, composition, parsed_training
from defectra.studies.nmc.structures import make

EDGES = ("O K", "Ni K")
IDEAL = ideal_lattice()
COPIES = {
    "delithiated": ("Ni6Mn2Co2", 0, 0.5, Defect.PRISTINE),
    "vacancy": ("Ni6Mn2Co2", 0, 1.0, Defect.OXYGEN_VACANCY),
    "swapped": ("Ni6Mn2Co2", 0, 1.0, Defect.ANTISITE_PAIR),
}
NEW = {
    "other ordering": ("Ni6Mn2Co2", 3, 1.0, Defect.PRISTINE),
    "its copy": ("Ni6Mn2Co2", 3, 0.4, Defect.PRISTINE),
    "other metals": ("Ni8Mn1Co1", 0, 0.7, Defect.PRISTINE),
}


def row_of(key: tuple[Any, ...]) -> dict[str, Any]:
    return make(*key, seed=1, ideal=IDEAL)


@pytest.fixture(scope="module")
def config() -> Config:
    return load(Path(__file__).resolve().parents[2] / "config/tiny.yaml")


@pytest.fixture(scope="module")
def runs(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished runs of new cells: moved, in another order of their sites, one twice as large."""
    folder = tmp_path_factory.mktemp("elsewhere")
    draw = np.random.default_rng(4)
    cells = {name: vegard_cell(key) for name, key in {**COPIES, **NEW}.items()}
    cells["doubled"] = vegard_cell(NEW["its copy"]) * (1, 1, 2)
    cells["salt"] = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.2), ["Ni", "O"],
                                              [[0, 0, 0], [0.5, 0.5, 0.5]])  # fmt: skip
    for name, cell in cells.items():
        moved = cell.copy().perturb(0.02, seed=len(name)) if name != "salt" else cell
        order = [int(k) for k in draw.permutation(len(moved))]
        file = folder / f"{name.replace(' ', '_')}.cif"
        Structure.from_sites([moved[k] for k in order]).to(filename=str(file))
        for edge in EDGES:
            element, shell = edge.split()
            first = next(k for k, i in enumerate(order) if moved[i].specie.symbol == element)
            asked = Asked("synthetic", "fast", file, element, shell, first)
            run(asked, config.protocols, folder / "runs")
    return folder / "runs"


def vegard_cell(key: tuple[Any, ...]) -> Structure:
    return to_pymatgen(vegard(row_of(key)))


@pytest.fixture
def wanted(config: Config) -> Fidelity:
    grids = {edge: config.nmc.edges[edge] for edge in EDGES}
    engine = spectrum_engine("synthetic")
    settings = config.protocols.feff["fast"]
    return Fidelity(engine, "fast", settings, "vegard", "vegard", grids)


@pytest.fixture(scope="module")
def own() -> list[dict[str, Any]]:
    """The study's own: one ordering, fully lithiated and with one lithium content less."""
    return [row_of(("Ni6Mn2Co2", 0, x, Defect.PRISTINE)) for x in (1.0, 0.8)]


def test_new_structures_join_with_labels_and_groups_that_do_not_leak(
    runs: Path, wanted: Fidelity, own: list[dict[str, Any]]
) -> None:
    rows, left_out = parsed_training([runs], own, set(), wanted, "hash")
    assert {row["origin"] for row in rows} == {"parsed"}
    found = {(r["composition"], r["lithium"], r["defect"], r["n_sites: O K"]): r for r in rows}
    family = own[0]["family"]
    for composition_, _, lithium, defect in COPIES.values():
        row = found[composition_, lithium, str(defect), 20 - (defect == Defect.OXYGEN_VACANCY)]
        assert row["group"] == family, "a copy of an ordering of the study is in its group"
        assert row["vacancy"] == (defect == Defect.OXYGEN_VACANCY)
        assert row["antisite"] == (defect == Defect.ANTISITE_PAIR)
    other = [found["Ni6Mn2Co2", x, "pristine", n] for x, n in ((1.0, 20), (0.4, 20), (0.4, 40))]
    assert len({row["group"] for row in other}) == 1, "the doubled cell stays with its ordering"
    assert family not in {row["group"] for row in other}
    metals = found["Ni8Mn1Co1", 0.7, "pristine", 20]
    assert metals["group"] not in {family, other[0]["group"]}
    assert metals["n_Ni"] == pytest.approx(0.8)
    assert len(rows) == len(COPIES) + len(NEW) + 1
    assert ["oxygen against two for each metal" in r["reason"] for r in left_out] == [True]
    assert {row["protocol"] for row in rows} == {"fast"}
    assert {row["geometry_protocol"] for row in rows} == {"vegard"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"declared": "parsed"}, "set nmc.parsed_geometry: vegard"),
        ({"settings": None}, "fidelities do not mix"),
    ],
)
def test_what_is_of_another_fidelity_is_left_out_with_the_reason(
    runs: Path,
    config: Config,
    wanted: Fidelity,
    own: list[dict[str, Any]],
    change: dict[str, Any],
    reason: str,
) -> None:
    """The same name with other settings is another protocol."""
    if "settings" in change:
        change = {"settings": wanted.settings.model_copy(update={"fms_radius": 4.5})}
    rows, left_out = parsed_training([runs], own, set(), replace(wanted, **change), "hash")
    assert rows == []
    assert all(reason in r["reason"] or "no oxide" in r["reason"] for r in left_out)
    assert len(left_out) >= 8


def test_what_the_study_has_already_is_not_counted_twice(
    runs: Path, wanted: Fidelity, own: list[dict[str, Any]]
) -> None:
    rows, _ = parsed_training([runs], own, set(), wanted, "hash")
    known = set(rows[0]["calculation_ids"])
    again, _ = parsed_training([runs], own, known, wanted, "hash")
    assert {r["structure_id"] for r in rows} - {r["structure_id"] for r in again} == {
        rows[0]["structure_id"]
    }


def test_neighbours_of_metals_do_not_depend_on_the_setting_of_the_cell() -> None:
    row = row_of(("Ni6Mn2Co2", 0, 1.0, Defect.PRISTINE))
    cell = vegard_cell(("Ni6Mn2Co2", 0, 1.0, Defect.PRISTINE))
    larger = cell * (2, 1, 1)
    larger.translate_sites(range(len(larger)), [0.13, 0.4, 0.2])
    told = {
        "lattice": larger.lattice.matrix.ravel(),
        "species": [s.specie.symbol for s in larger],
        "coords": larger.frac_coords.ravel(),
    }
    assert bonding(told) == bonding(row)
    assert composition(told) == composition(row) == "Ni6Mn2Co2"
    assert sum(list(row["species"]).count(m) for m in METALS) == 10
    assert bonding(row_of(("Ni6Mn2Co2", 3, 1.0, Defect.PRISTINE))) != bonding(row)


def test_a_folder_without_a_finished_run_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing that a program wrote")
    with pytest.raises(EngineError, match="no finished run of a spectrum in it or below"):
        parsed_spectra([tmp_path])
