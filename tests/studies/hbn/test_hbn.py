"""Study `hbn`: candidates, numbers of a transition, modes, emission, ladder, checks."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from defectra.campaign.ledger import Finished
from defectra.core.claims import CHECK_COLUMNS
from defectra.core.config import load
from defectra.core.csvs import read_csv
from defectra.core.errors import ConfigError, TableError
from defectra.core.paths import PROJECT
from defectra.core.store import write_table
from defectra.engines.gpaw.settings import GpawEmitterProtocol
from defectra.studies.hbn import ladder, phonons, scores, steps, tables
from defectra.studies.hbn import transitions as numbers
from defectra.studies.hbn.candidates import candidates, cell_of, complexes, electrons
from defectra.studies.hbn.emission import emission, line_share, occupation
from defectra.studies.hbn.requests import AXES, emitter_request
from defectra.studies.hbn.settings import HbnStudy
from defectra.studies.hbn.sidebands import sidebands

SETTINGS = HbnStudy()


def test_every_complex_once() -> None:
    """Multiplicities count placements: sites, bonds, pairs about a site, paths of three bonds."""
    found = {name: d.multiplicity for name, d in complexes(2.512, 8.0, 5)}
    cells = 25
    assert found == {
        "C_B": cells,
        "C_N": cells,
        "C_B C_N": 3 * cells,
        "V_N C_B": 3 * cells,
        "V_B C_N": 3 * cells,
        "2C_B C_N": 3 * cells,
        "2C_N C_B": 3 * cells,
        "3C_B C_N": cells,
        "3C_N C_B": cells,
        "2C_B 2C_N cis": 6 * cells,
        "2C_B 2C_N trans": 6 * cells,
    }
    asked = list(candidates(SETTINGS))
    assert len({(c.structure_id, c.moment) for c in asked}) == len(asked)
    assert asked[0].name == "C_B C_N"
    assert asked[0].charge == 0
    for one in asked:
        assert electrons(one.decorated) % 2 == one.moment % 2


def test_defect_lies_in_the_middle_of_its_cell() -> None:
    first = list(candidates(SETTINGS))[:9]
    assert len(first) == 9
    for one in first:
        cell, guess = cell_of(one, 0.0)
        points = np.reshape(cell.coords, (-1, 3))
        carbon = points[[s == "C" for s in cell.species]]
        away = (carbon - 0.5) @ np.reshape(cell.lattice, (3, 3))
        assert np.linalg.norm(away, axis=1).max() < 2.6  # Å
        assert sum(guess) == pytest.approx(1)


def test_unknown_complex_is_named() -> None:
    bad = HbnStudy.model_validate({"larger": [{"candidate": "C_X", "sizes": [6]}]})
    with pytest.raises(ConfigError, match="C_X"):
        list(candidates(bad))


def _run(**changes: object) -> dict:
    """Row of a made-up singlet: 3 eV, the boron atoms move along x."""
    cell = next(c for c in candidates(SETTINGS))
    request = emitter_request(cell, SETTINGS, GpawEmitterProtocol())
    job = request.input["job"]
    moved = np.reshape(job["coords"], (-1, 3)).copy()
    moved[0] += np.linalg.solve(np.reshape(job["lattice"], (3, 3)).T, [0.1, 0, 0])
    spins = {"gap_eV": 3.2, "localisation": [0.7, 0.8], "occupations": [1.0, 0.0]}
    ground = {
        "energy_eV": -100.0,
        "hybrid_eV": -150.0,
        "coords": job["coords"],
        "fmax": 0.01,
        "relaxed": True,
        "steps": 4,
        "moment": 0.0,
        "spins": [spins, spins],
        "chosen": {"spin": 0, "from": 99, "dipole_eA": [0.3, 0.4, 0.0]},
    }
    found = {
        "ground": ground,
        "vertical": {"energy_eV": -96.9},
        "excited": {**ground, "energy_eV": -97.0, "coords": moved.ravel().tolist()},
        "triplet_at_excited": {"energy_eV": -97.4, "hybrid_eV": -146.5},
        "ground_at_excited": {"energy_eV": -99.8},
    }
    found["excited"]["hybrid_eV"] = -146.0
    found = {k: v for k, v in (found | changes).items() if v is not None}
    row = {"status": "ok", "attempt": 1, "error_class": "", "message": "", "wall_s": 1.0}
    row |= {"cpu_s": 1.0, "max_rss_mb": 1.0}
    files = {"result.json": json.dumps({"version": "0", "steps": found}).encode()}
    return tables.emitter_result(request, Finished(row, files)).row


def test_numbers_of_a_transition() -> None:
    """Singlet of a mixed determinant, one mode: half k Q² and half of the energy quanta."""
    row = numbers.transition(_run())
    assert row["zpl_PBE_eV"] == pytest.approx(3.4)
    assert row["zpl_HSE06@PBE_eV"] == pytest.approx(4.5)
    assert row["emission_eV"] == pytest.approx(3.2)
    assert row["absorption_eV"] == pytest.approx(3.5)
    open_shell = numbers.transition(_run() | {"spin": 1})
    assert open_shell["emission_eV"] == pytest.approx(2.8)
    for one in (row, open_shell):
        line = one["zpl_PBE_eV"]
        assert one["absorption_eV"] - line == pytest.approx(one["relaxed_excited_eV"])
        assert line - one["emission_eV"] == pytest.approx(one["relaxed_ground_eV"])
    length = 0.1 * math.sqrt(numbers.MASS[_run()["species"][0]])
    assert row["delta_Q"] == pytest.approx(length, rel=0.02)
    # λ = ½ Ω² Q², and S is λ in quanta: S = Ω Q² / 2ħ, with ħ²/(u Å²) = 4.180 meV
    quantum = row["mode_meV"] / 1e3
    assert quantum**2 * row["delta_Q"] ** 2 / 2 / 4.1802e-3 == pytest.approx(0.2, rel=1e-3)
    assert row["huang_rhys"] * quantum == pytest.approx(0.2)
    assert row["dipole_D"] == pytest.approx(0.5 * 4.80320, rel=1e-4)
    assert row["out_of_plane"] == 0


def test_what_stopped_on_the_way_is_a_row() -> None:
    row = _run(excited=None, triplet_at_excited=None, ground_at_excited=None)
    assert row["ground_eV"] == -100
    assert math.isnan(row["excited_eV"])
    shown = numbers.transition(row)
    assert math.isnan(shown["zpl_PBE_eV"])
    assert shown["gap_eV"] == 3.2
    request = emitter_request(next(candidates(SETTINGS)), SETTINGS, GpawEmitterProtocol())
    waits = numbers.transition(tables.waiting(request, "later"))
    assert (waits["status"], waits["remark"]) == (tables.WAITS, "later")
    failed = _run(ground=None, vertical=None, excited=None, triplet_at_excited=None)
    failed = numbers.transition(failed | {"status": "failed", "message": "killed"})
    assert failed["status"] == "failed"
    judged = ladder.ladder_rows([waits, failed], ladder.error_rows([], SETTINGS), SETTINGS)
    assert [r["verdict"] for r in judged] == [*ladder.UNDECIDED] * 2


def test_a_spin_above_the_ground_state_is_told() -> None:
    low, high = _run(), _run() | {"spin": 2, "ground_eV": -99.5}
    first, second = numbers.transitions([low, high])
    assert "ground state" not in first["remark"]
    assert "0.50 eV lower" in second["remark"]


def test_emission_has_the_moments_of_displaced_oscillators() -> None:
    """Mean -Σ S ħω at any temperature, variance Σ S (ħω)² (2n + 1), line exp(-S) when cold."""
    energy, factor = np.array([0.16, 0.03]), np.array([1.5, 0.4])
    for temperature in (0.0, 300.0):
        found = emission(energy, factor, temperature, smoothing=1e-3)
        step = found.offset[1] - found.offset[0]
        mean = (found.offset * found.intensity).sum() * step
        variance = ((found.offset - mean) ** 2 * found.intensity).sum() * step
        number = occupation(energy, temperature)
        assert mean == pytest.approx(-(factor * energy).sum(), abs=1e-4)
        assert variance == pytest.approx((factor * energy**2 * (2 * number + 1)).sum(), rel=2e-3)
    cold = emission(energy, factor, 0.0, smoothing=1e-3)
    line = cold.intensity[np.abs(cold.offset) < 0.006].sum() * step
    assert line == pytest.approx(math.exp(-factor.sum()), rel=1e-3)
    narrow = emission(energy, [0.0, 0.0], 300.0, smoothing=1e-3, resolution=0.004)
    assert narrow.width == pytest.approx(0.004 * 2.35482, rel=0.02)


def test_the_line_has_a_larger_share_with_the_third_power_of_the_energy() -> None:
    """As the emission has it; 1 without phonons, exp(-S) of a line far above them."""
    energy, factor = np.array([0.16, 0.03]), np.array([1.5, 0.4])
    cold = emission(energy, factor, 0.0, smoothing=1e-4, resolution=1e-3, line=2.1)
    step = cold.offset[1] - cold.offset[0]
    line = cold.intensity[np.abs(cold.offset) < 0.006].sum() * step
    assert line_share(energy, factor, 2.1) == pytest.approx(line, rel=1e-3)
    assert line_share(energy, factor, 2.1) > 1.3 * math.exp(-factor.sum())
    assert line_share(energy, factor, 1e6) == pytest.approx(math.exp(-factor.sum()))
    assert line_share(energy, [0.0, 0.0], 2.1) == 1


def test_the_third_power_is_that_of_the_highest_fidelity() -> None:
    """PBE 3.4 eV, HSE06@PBE 4.5 eV; of PBE alone, or of none, the column says so."""
    forces, _ = _layer()
    run = _run()
    lines = {"hybrid_triplet_eV": math.nan}, {"hybrid_triplet_eV": math.nan, "ground_eV": math.nan}
    found = sidebands([run, *(run | changed for changed in lines)], forces, SETTINGS)
    assert [r["line_fidelity"] for r in found] == ["HSE06@PBE", "PBE", ""]
    assert [r["line_eV"] for r in found] == pytest.approx([4.5, 3.4, math.nan], nan_ok=True)
    for row in found[:2]:
        share = line_share(row["phonons_eV"], row["factors"], row["line_eV"])
        assert row["line_share"] == pytest.approx(share)
        assert row["debye_waller"] < share
    assert math.isnan(found[2]["line_share"])
    weak = [np.interp(-0.16, r["offset_eV"], r["warm"]) / max(r["warm"]) for r in found]
    assert weak[1] < weak[0] < weak[2]


def _layer() -> tuple[list[dict], np.ndarray]:
    """Forces of a spring model of the layer, and its force constants."""
    supercell = complexes(SETTINGS.lattice, SETTINGS.height, 5)[0][1].supercell
    lattice, coords = supercell.lattice, supercell.coords
    delta = coords[:, None, :] - coords[None, :, :]
    vectors = (delta - np.round(delta)) @ lattice
    lengths = np.linalg.norm(vectors, axis=2)
    found = np.zeros((len(coords), 3, len(coords), 3))
    for i, j in zip(*np.nonzero((lengths > 0.1) & (lengths < 2.6)), strict=True):
        r = vectors[i, j] / lengths[i, j]
        stiff = 25.0 if lengths[i, j] < 2 else 4.0
        found[i, :, j] = -(stiff * np.outer(r, r) + 3.0 * (np.eye(3) - np.outer(r, r)))
    found = phonons.summed_to_zero(found)
    rows = []
    for site in (0, 25):
        for axis in AXES:
            shift = 0.02 * np.array(axis)
            force = -np.einsum("iajb,b->iaj", found, shift)[:, :, site]
            rows.append(
                {
                    "site": site,
                    "displacement": shift.tolist(),
                    "lattice": lattice.ravel().tolist(),
                    "species": list(supercell.species),
                    "coords": coords.ravel().tolist(),
                    "forces": force.ravel().tolist(),
                    "status": "ok",
                }
            )
    return rows, found


def test_force_constants_of_springs_come_back() -> None:
    rows, springs = _layer()
    found = phonons.force_constants(rows)
    assert np.abs(found - springs).max() < 1e-8
    with pytest.raises(TableError, match="displaced"):
        phonons.force_constants(rows[:3])


def test_partial_factors_hold_the_energy_of_the_displacement() -> None:
    """Σ S ħω = ½ Δᵀ Φ Δ, whatever the masses."""
    rows, springs = _layer()
    run = _run()
    energies, factors = phonons.huang_rhys(run, springs, rows[0])
    moved = numbers.displacement(run)
    start = np.reshape(run["coords"], (-1, 3))
    sites = np.reshape(rows[0]["coords"], (-1, 3))
    first, other = run["species"].index("B"), rows[0]["species"].index("B")
    where = phonons._matched(
        start + sites[other] - start[first], sites, np.reshape(run["lattice"], (3, 3))
    )
    own = springs[where][:, :, where]
    energy = np.einsum("ia,iajb,jb->", moved, own, moved) / 2
    assert (energies * factors).sum() == pytest.approx(energy, rel=1e-6)


def test_errors_and_acceptance() -> None:
    """A reference that misses by more widens the error; the window takes little of it."""
    alone = ladder.error_of([], 0.3, 4)
    worse = ladder.error_of([1.0], 0.3, 4)
    assert alone.scale == 0.3
    assert worse.scale > alone.scale
    assert worse.freedom == 5
    on_line = alone.within(-0.0192, 0.0192)
    assert 0.03 < on_line < 0.07
    assert alone.beyond(0) == pytest.approx(1)
    assert alone.beyond(2.0) < ladder.SIGNIFICANT


def test_from_runs_to_checks(tmp_path: Path) -> None:
    """A made-up run and force constants go through every step."""
    request = emitter_request(next(candidates(SETTINGS)), SETTINGS, GpawEmitterProtocol())
    rows, _ = _layer()
    forces = [tables.blank(tables.FORCES) | r for r in rows]
    write_table(tmp_path / "runs.parquet", [_run(), tables.waiting(request, "x")], tables.RUNS)
    write_table(tmp_path / "forces.parquet", forces, tables.FORCES)
    small = HbnStudy.model_validate({"measured": {"simulated": 5, "bootstrap": 20}})
    names = ("transitions", "errors", "ladder", "sidebands_table", "lines", "statistics")
    files = {n: str(tmp_path / f"{n}.csv") for n in (*names, "scorecard", "checks")}
    files |= {n: str(tmp_path / f"{n}.parquet") for n in ("runs", "forces", "sidebands")}
    place = SimpleNamespace(**files)
    params = SimpleNamespace(config=small.model_dump_json(), seed=1)
    job = SimpleNamespace(input=place, output=place, params=params)
    steps.compare_candidates(job)
    steps.measure_lines(job)
    steps.score_hbn(job)
    judged = read_csv(files["ladder"], ladder.LADDER_COLUMNS)
    assert {r["verdict"] for r in judged} == {ladder.EXCLUDED, tables.WAITS} | (
        {ladder.OPEN} if any(r["two_sided_p"] > 0.05 for r in judged) else set()
    )
    checks = {r["check_id"]: r for r in read_csv(files["checks"], CHECK_COLUMNS)}
    assert checks["hbn_pbe_low"]["verdict"] == "holds"
    assert checks["hbn_no_single_defect"]["verdict"] == "open"
    assert "cannot fail" in checks["hbn_no_single_defect"]["fails_if"]


def test_no_defect_can_be_named_while_the_error_is_wide() -> None:
    """A bound that no acceptance reaches decides nothing; a narrow error can name a defect."""
    for scale, acceptance, verdict in ((0.3, 0.04, "open"), (0.005, 0.9, "fails")):
        row = {"fidelity": scores.HYBRID, "verdict": ladder.OPEN, "acceptance": acceptance}
        found = scores.Found(SETTINGS, [], [], [row | {"error_sd_eV": scale}], [], [])
        rows = {r["check_id"]: r for r in scores.checks(found)}
        assert rows["hbn_no_single_defect"]["verdict"] == verdict


def test_all_candidates_are_asked_for() -> None:
    from defectra.campaign.studies import families_of

    config = load(PROJECT / "config" / "config.yaml")
    found = [f for f in families_of("hbn", config) if f.name != "forces"]
    assert len(found) == len(list(candidates(config.hbn)))
    assert len({f.name for f in found}) == len(found)
