"""Absorption, efficiency limits and tilts: against analytic cases, bad input, one tiny campaign."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from defectra.campaign.complete import Counts, complete
from defectra.campaign.engine import Outcome
from defectra.campaign.ledger import Ledger
from defectra.campaign.request import Family
from defectra.core.errors import DataError, StructureError
from defectra.core.records import Status
from defectra.core.store import Archive
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawProtocol
from defectra.structures.prototypes import prototype
from defectra.studies.perovskites import absorption, checks_light, efficiency, runs, slme, tilts
from defectra.studies.perovskites import requests as asked
from defectra.studies.perovskites.measured_scores import LADDER_COLUMNS
from defectra.studies.perovskites.tables import RUNS

PROTOCOLS = [(name, GpawProtocol(band_mesh=[k] * 3)) for name, k in zip("abcd", (2, 4, 6, 1))]
CSPBBR3 = runs.pure_of("Cs", "Pb", "Br")
FAKE = """#!{python}
import json, sys
if "-c" in sys.argv:
    sys.exit(print("26.7.0"))
job = json.load(open(sys.argv[-2]))
w = [0.05 * k for k in range(400)]
steps = {{
    "energy": {{"energy_eV": -60.0 - 1e-3 * job["lattice"][0]}},
    "edges": {{"gap_eV": 1.4, "direct_gap_eV": 1.4}},
    "spin_orbit": {{"gap_eV": 0.4}},
    "dielectric": {{
        "energies_eV": w, "real": [5.0 for _ in w], "irreducible_points": 4,
        "imaginary": [max(0.0, e - 1.4) ** 0.5 * 9 / (1 + e) ** 2 for e in w],
    }},
}}
wanted = [s["do"] for s in job["steps"]]
found = {{name: steps[name] for name in wanted}}
json.dump({{"steps": found, "version": "26.7.0"}}, open(sys.argv[-1], "w"))
"""


def oscillator(w: np.ndarray, at: float = 3.0, width: float = 0.4) -> np.ndarray:
    """Dielectric function of one damped oscillator: both parts are known in closed form."""
    return 1 + 20 / (at**2 - w**2 - 1j * width * w)


def test_real_part_is_that_of_an_oscillator() -> None:
    w = np.arange(0, 60, 0.01)
    exact = oscillator(w)
    found = absorption.real_part(w, exact.imag)
    assert np.abs(found - exact.real)[w < 10].max() < 0.01


def test_scissor_moves_the_edge_lowers_the_static_constant_and_keeps_the_area() -> None:
    w = np.linspace(0, 40, 2500)
    part = oscillator(w).imag * (w > 1.5)
    energies, real, moved = absorption.scissored(w, part, 0.7)
    assert energies[np.flatnonzero(moved > 1e-6)[0]] == pytest.approx(2.2, abs=0.03)
    assert np.trapezoid(moved, energies) == pytest.approx(np.trapezoid(part, w), rel=1e-3)
    assert 1 < real[0] < absorption.scissored(w, part, 0.0)[1][0]
    with pytest.raises(DataError, match="rising energies"):
        absorption.scissored([0, 1, 1], [0, 0, 1], 0.1)
    with pytest.raises(DataError, match="rising energies"):
        absorption.scissored([0, 1, 2], [0, float("nan"), 1], 0.1)


def test_absorption_coefficient_of_a_weak_absorber() -> None:
    # eps = (n + ik)^2 with n = 2, k = 0.01 at 2 eV: 4 pi k / wavelength.
    e = np.array([0.0, 2.0])
    value = (2 + 0.01j) ** 2
    energy, per_m = absorption.coefficient(e, np.full(2, value.real), np.full(2, value.imag))
    assert energy.tolist() == [2.0]
    assert per_m[0] == pytest.approx(4 * np.pi * 0.01 / (0.61992e-6), rel=1e-4)


def test_step_absorber_reaches_33_7_percent_at_1_34_ev_and_no_film_gives_nothing() -> None:
    # Shockley and Queisser at AM1.5G and 298 K: 33.7 % (Rühle, Sol. Energy 130, 139 (2016)).
    energy = np.linspace(0.3, 6.0, 3000)
    step = np.where(energy >= 1.34, 1e9, 0.0)
    assert slme.efficiency(energy, step, 1.34, 1e-3) == pytest.approx(33.7, abs=0.15)
    root = 5e6 * np.sqrt(np.maximum(energy - 1.34, 0))  # direct and allowed, m⁻¹
    found = [slme.efficiency(energy, root, 1.34, t) for t in (0.0, 1e-11, 1e-8, 1e-6, 1e-3)]
    assert found == sorted(found)
    assert found[0] == 0
    assert found[1] < 0.05
    assert found[-1] == pytest.approx(33.7, abs=0.3)


def test_no_film_is_better_than_perfect_absorbers_of_larger_gaps() -> None:
    # A weak tail on a small gap acts as a larger gap: it beats the perfect absorber of its own gap.
    energy = np.linspace(0.3, 6.0, 3000)
    weak = 3e6 * np.maximum(energy - 0.5, 0) ** 2
    found = slme.efficiency(energy, weak, 0.5, 5e-7)
    own = slme.efficiency(energy, np.full(3000, 1e9), 0.5, 1e-3)
    best = slme.efficiency(energy, np.full(3000, 1e9), efficiency.BEST_EV, 1e-3)
    assert own < found < best


def test_tilted_octahedra_keep_their_bonds_and_the_space_group() -> None:
    from pymatgen.core import Lattice, Structure

    cell = prototype("perovskite_tilted", a=6.4, angle=156.0, site_a="Cs", site_b="Pb", anion="I")
    crystal = Structure(Lattice(cell.lattice), cell.species, cell.coords)
    assert crystal.get_space_group_info()[1] == 62
    assert crystal.composition.reduced_formula == "CsPbI3"
    for site in (s for s in crystal if s.specie.symbol == "I"):
        ends = [n for n in crystal.get_neighbors(site, 3.5) if n.specie.symbol == "Pb"]
        one, two = (n.coords - site.coords for n in ends)
        assert np.linalg.norm(one) == pytest.approx(3.2)
        assert np.degrees(np.arccos(one @ two / 3.2**2)) == pytest.approx(156.0)
    for angle in (180.0, 90.0):
        with pytest.raises(StructureError, match="from 120 to below 180"):
            prototype("perovskite_tilted", a=6.4, angle=angle)


def test_lowest_energy_of_a_double_well() -> None:
    missing = np.array([0.1, 12, 20, 28])
    energy = -0.5 * missing**2 + 0.25 * missing**4 / 16**2
    at, depth, rms = tilts.lowest(missing, energy)
    assert (at, depth) == pytest.approx((16, -64))
    assert rms < 1e-9
    assert tilts.lowest(missing, missing**2)[0] == 0
    assert np.isnan(tilts.lowest(missing, -(missing**2))[0])


@pytest.fixture
def ledger(tmp_path, monkeypatch) -> Ledger:
    path = tmp_path / "python"
    path.write_text(FAKE.format(python=sys.executable))
    path.chmod(0o755)
    monkeypatch.setenv(gpaw.VARIABLE, str(path))
    scan = asked.scan_request(CSPBBR3, PROTOCOLS[0])
    row = runs.row_of(CSPBBR3.name, "equation_of_state", "a", 6.0, Outcome(scan.calculation_id))
    archive = Archive(tmp_path / "archive")
    archive.add([row | {"status": "ok", "lattice": 6.4}], RUNS)
    return Ledger(asked.REQUESTS.kinds, archive, [])


def test_spectra_and_tilts_of_a_campaign(ledger: Ledger, tmp_path) -> None:
    def chain(known):
        yield from asked.spectrum_chain(CSPBBR3, PROTOCOLS[0], PROTOCOLS[1:3], known)
        yield from asked.tilt_chain(CSPBBR3, PROTOCOLS[0], PROTOCOLS[3], known)

    journal = tmp_path / "one.journal"
    with ledger.writing(journal):
        list(complete([Family("one", chain)], ledger, tmp_path, Counts()))
    done = [ledger.result(request).row for request in chain(ledger)]
    assert [row["status"] for row in done] == ["ok"] * 6
    spectra = [r for r in done if "imaginary" in r]
    assert [r["mesh"][0] for r in spectra] == [4, 6]
    ladder = [dict.fromkeys(LADDER_COLUMNS, 1.5) | {"formula": "CsPbBr_3", "phase": "γ"}]
    films = efficiency.films(spectra, ladder, [{"name": "CsPbBr_3", "log_fom": 4.0}])
    assert {r["gap_of"] for r in films} == set(efficiency.GAPS)
    assert all(0 < r["third_percent"] < r["slme_percent"] <= r["limit_percent"] for r in films)
    assert max(map(abs, efficiency.mesh_changes(films))) == 0
    angles = tilts.angle_rows([r for r in done if "angle" in r])
    assert [r["angle_deg"] for r in angles] == list(tilts.ANGLES)
    found = {c.check_id: c for c in checks_light.checks_light(films, [])}
    assert found["spectra"].ours.value == 1
    assert found["slme_limit"].ours.value == 0
    # GPAW's real part of the fake result is a constant: the check has to see it.
    assert found["spectra_kramers_kronig"].ours.value > 0.1


def test_result_without_its_spectrum_is_a_failed_row() -> None:
    job = absorption.job(CSPBBR3, 6.4, PROTOCOLS[1][1])
    out = Outcome(gpaw.calculation_id(job), Status.OK)
    out.files = {gpaw.RESULT: json.dumps({"steps": {"energy": {}}, "version": "1"}).encode()}
    row = absorption.row_of({"name": "CsPbBr_3", "lattice": 6.4}, "b", job, out)
    assert (row["status"], row["error_class"]) == ("failed", "no_output")
    assert "dielectric" in row["message"]


def test_order_of_pairs() -> None:
    rows = [{"x": k, "y": v} for k, v in ((1, 1), (2, 3), (3, 2))]
    assert checks_light.same_order(rows, "x", "y") == pytest.approx(2 / 3)
    assert np.isnan(checks_light.same_order(rows[:1], "x", "y"))
