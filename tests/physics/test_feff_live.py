"""FEFF10 run live on LiCoO2: what must not change the spectrum does not change it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import psutil
import pytest
from events import alive, wait_for

from defectra.engines.feff import child as feff_child
from defectra.engines.feff import run as feff
from defectra.engines.feff.input import calculation_id, cluster, feff_input, potentials_key
from defectra.engines.feff.settings import FeffProtocol
from defectra.structures.geometry import as_row
from defectra.structures.layered import Z_OXYGEN, primitive

FROZEN = Path(__file__).parent.parent / "data" / "feff_lco"
TINY = FeffProtocol(scf_radius=2.4, fms_radius=3.0, k_max=2.5, k_step=0.15)
SAME = 2e-3  # relative RMS: the input is written to 1e-4 Å

pytestmark = pytest.mark.live


def licoo2(repeat: int = 1, order: int = 1, turn: float = 0.0) -> dict:
    """LiCoO2 in a cell of `repeat` formula units, atoms reversed, cell turned about a skew axis."""
    from scipy.spatial.transform import Rotation

    lattice = primitive(2.816, 14.05)
    base = [("Li", 0.5), ("Co", 0.0), ("O", Z_OXYGEN), ("O", 1 - Z_OXYGEN)]
    species, coords = [], []
    for element, x in base:
        for k in range(repeat):
            species.append(element)
            coords.append([(x + k) / repeat, x, x])
    cell = np.diag([repeat, 1, 1]) @ lattice
    cell = cell @ Rotation.from_rotvec(turn * np.array([0.3, -0.5, 0.8])).as_matrix().T
    row = {
        "structure_id": "test",
        "species": species[::order],
        "site_labels": [f"{s}{i:02d}" for i, s in enumerate(species)][::order],
    }
    return as_row(row, "test", cell, np.array(coords)[::order])


def oxygen(row: dict) -> int:
    """Index of the first oxygen of the list before reversal."""
    return row["site_labels"].index(min(s for s in row["site_labels"] if s.startswith("O")))


@cache
def spectrum(repeat: int = 1, order: int = 1, turn: float = 0.0):
    row = licoo2(repeat, order, turn)
    outcome = feff.site(row, oxygen(row)).run("K", TINY)
    assert outcome.status == "ok", outcome.message
    return feff.parse(outcome.files)


def distance(first, second) -> float:
    y = np.interp(first.energy, second.energy, second.mu)
    return float(np.sqrt(np.mean((y - first.mu) ** 2) / np.mean(first.mu**2)))


@pytest.mark.parametrize(
    "change", [{"order": -1}, {"turn": 0.7}, {"repeat": 2}], ids=["relabel", "rotate", "supercell"]
)
def test_spectrum_is_a_property_of_the_crystal(change):
    assert distance(spectrum(), spectrum(**change)) < SAME


def test_another_crystal_has_another_spectrum():
    row = licoo2()
    wider = as_row(row, "test", np.array(row["lattice"]) * 1.02, np.array(row["coords"]))
    outcome = feff.site(wider, oxygen(row)).run("K", TINY)
    assert distance(spectrum(), feff.parse(outcome.files)) > 10 * SAME


def test_edges_of_a_site_share_potentials_to_the_bit():
    row = licoo2()
    index = row["species"].index("Co")
    together = feff.site(row, index)
    first = together.run("K", TINY)
    shared = together.run("L3", TINY)
    alone = feff.site(row, index).run("L3", TINY)
    assert shared.shared_from == first.calculation_id
    assert alone.shared_from == ""
    assert shared.files["xmu.dat"] == alone.files["xmu.dat"]
    assert b"onvergence reached" in shared.files["log1.dat"]  # though no such cycle was run


def test_frozen_pair_has_not_drifted():
    frozen = json.loads((FROZEN / "o_k_tiny.json").read_text())
    now = spectrum()
    assert now.edge == pytest.approx(frozen["edge_eV"], abs=0.02)
    mu = np.interp(frozen["energy_eV"], now.energy, now.mu)
    assert np.abs(mu - np.array(frozen["mu"])).max() < 0.02


def test_what_feff_cannot_do_is_a_row_not_a_crash():
    row = licoo2()
    squeezed = as_row(row, "test", np.array(row["lattice"]) * 0.3, np.array(row["coords"]))
    outcome = feff.site(squeezed, oxygen(row)).run("K", TINY)
    assert outcome.status in ("failed", "unconverged")
    assert outcome.error_class
    assert outcome.message


def test_time_out_kills_every_child():
    """A cluster that takes many minutes; the limit is doubled until FEFF was seen at work."""
    seen: set[int] = set()
    limit = 1.0
    while not seen:
        large = TINY.model_copy(update={"fms_radius": 12.0, "k_max": 8.0, "timeout_s": limit})
        with ThreadPoolExecutor(1) as pool:
            ending = pool.submit(feff.site(licoo2(), 1).run, "K", large)
            while not ending.done():
                seen |= engines()
                wait([ending], timeout=0.1)
        outcome = ending.result()
        assert (outcome.status, outcome.error_class) == ("failed", "timeout")
        assert "timeout_s" in outcome.message
        limit *= 2
    wait_for(lambda: not any(alive(pid) for pid in seen), "the end of every child")


def engines() -> set[int]:
    """Processes of FEFF that this process has started."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            found |= {child.pid} if feff_child.__file__ in child.cmdline() else set()
    return found


def test_identity_of_a_calculation():
    row = licoo2()
    atoms = cluster(row, 2)
    text = feff_input(atoms, "K", TINY, TINY.mixing)
    other = feff_input(atoms, "L3", TINY.model_copy(update={"fms_radius": 4.0}), TINY.mixing)
    assert calculation_id(text) != calculation_id(other)
    assert potentials_key(text) == potentials_key(other)
    changed = TINY.model_copy(update={"scf_radius": 2.5})
    assert potentials_key(text) != potentials_key(feff_input(atoms, "K", changed, TINY.mixing))
    lines = text.splitlines()
    assert lines[lines.index("ATOMS") + 1].split()[3] == "0"
    stoichiometry = {
        line.split()[2]: float(line.split()[5])
        for line in lines[lines.index("POTENTIALS") + 2 : lines.index("ATOMS")]
    }
    assert stoichiometry == {"Li": 1, "O": 2, "Co": 1}
