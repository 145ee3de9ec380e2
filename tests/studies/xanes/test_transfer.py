"""FEFF to VASP for another element: axes from the edge, few sites, what is claimed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from defectra.core.errors import ConfigError, DataError
from defectra.core.records import Metric
from defectra.studies.xanes import delta, transfer
from defectra.studies.xanes.checks import checks
from defectra.studies.xanes.few_sites import FewSites, fit_shared
from defectra.studies.xanes.predict import on_grid, predict
from defectra.studies.xanes.saved_delta import FIRST, load, train
from defectra.studies.xanes.settings import Delta, Transfer, XanesStudy
from defectra.studies.xanes.two_elements import (
    AXIS,
    FEFF_WIDTH,
    SEEN,
    VASP_WIDTH,
    Pairs,
    as_wide,
    at_edge,
    edges,
    few_sites_correction,
    from_edge,
    prepared_source,
)

Floats = np.ndarray
SETTINGS = Delta(components=3, largest_shift=1.0, widths=[0.0, 1.0])
TRANSFER = Transfer(
    sites=[4, 8], folds=2, repeats=1, couplings=[1.0], kernel_widths=[0.1], penalties=[0.01]
)
STUDY = XanesStudy(delta=SETTINGS, transfer=TRANSFER, bootstrap=40)


def spectra(edge: Floats, height: Floats) -> Floats:
    """A step of one at `edge` and a line of `height` 6 eV above it, eV."""
    x = AXIS[None, :] - edge[:, None]
    return 0.5 + np.arctan(2 * x) / np.pi + height[:, None] * np.exp(-0.5 * ((x - 6) / 2) ** 2)


def pairs(element: str, count: int, seed: int, *, middle: float) -> Pairs:
    """VASP adds a line at 12 eV above the edge that follows the height of FEFF's own line.

    It is as wide as the core hole that VASP has for the element.
    """
    rng = np.random.default_rng(seed)
    edge, height = rng.uniform(middle - 2, middle + 2, count), rng.uniform(0.2, 1.0, count)
    feff = spectra(edge, height)
    x = AXIS[None, :] - edge[:, None]
    line = (0.6 * (height - 0.6))[:, None] * np.exp(-0.5 * ((x - 12) / 2) ** 2)
    vasp = feff + as_wide(line, "Ti", VASP_WIDTH[element])
    sites = tuple(f"{element}-{k // 2}_{k % 2}" for k in range(count))
    return Pairs(element, tuple(s.split("_")[0] for s in sites), feff, vasp, sites)


TI, CU = pairs("Ti", 30, 1, middle=8.0), pairs("Cu", 16, 2, middle=14.0)


def error(answer: Floats, truth: Floats) -> float:
    return float(np.sqrt(((answer - truth) ** 2).sum() / (truth**2).sum()))


def test_edges_follow_a_moved_spectrum_and_the_axis_goes_back_and_forth() -> None:
    height = np.full(3, 0.4)
    places = np.array([8.0, 8.7, 14.0])
    found = edges(spectra(places, height))
    np.testing.assert_allclose(np.diff(found), np.diff(places), atol=0.02)
    there = at_edge(CU.feff, edges(CU.feff))
    np.testing.assert_allclose(from_edge(there, edges(CU.feff)), CU.feff, atol=0.02)
    assert there[:, SEEN].std(axis=0).max() < CU.feff.std(axis=0).max(), "edges lie on each other"


def test_equally_wide_adds_the_lorentzian_that_vasp_was_given() -> None:
    """Half width of an arctangent step is that of the core hole: widths of Lorentzians add."""
    step = (0.5 + np.arctan(2 * (AXIS - 17.5) / FEFF_WIDTH["Cu"]) / np.pi)[None]
    found = Pairs("Cu", ("a",), step, step).equally_wide().feff[0]
    wanted = 0.5 + np.arctan(2 * (AXIS - 17.5) / VASP_WIDTH["Cu"]) / np.pi
    inner = slice(40, 101)  # the constants beyond the ends are not those of the arctangent
    np.testing.assert_allclose(found[inner], wanted[inner], atol=0.02)
    assert np.abs(step[0] - wanted)[inner].max() > 0.1
    assert Pairs("Ti", ("a",), step, step).equally_wide().feff is not None
    np.testing.assert_array_equal(Pairs("Ti", ("a",), step, step).equally_wide().feff, step)


def test_a_mean_of_unlike_sites_is_not_added_and_a_common_one_is() -> None:
    rng = np.random.default_rng(3)
    feff = spectra(rng.uniform(8, 14, 6), rng.uniform(0.3, 0.9, 6))
    common = 0.2 * np.exp(-0.5 * ((AXIS - 20) / 2) ** 2)
    names = [f"m{k}" for k in range(6)]
    for offset, low, high in ((common, 0.9, 1.0), (np.zeros_like(common), 0.0, 0.5)):
        vasp = feff + offset + 0.02 * rng.normal(size=feff.shape)
        trials = delta.Trials.of(feff, vasp, SETTINGS)
        found = few_sites_correction(names, trials, np.arange(6))
        share = np.linalg.norm(found.mean) / np.linalg.norm(trials.fit().mean)
        assert low <= share <= high
    assert not few_sites_correction(["m0"], trials, np.arange(1)).mean.any(), "one site gives none"


def test_what_two_elements_share_is_used_and_shuffled_pairs_are_not_taken_for_it() -> None:
    few, rest = FewSites.of(CU.take(np.arange(6)), SETTINGS), CU.take(np.arange(6, 16))
    other = prepared_source(TI, "Cu", SETTINGS)
    answers = {
        name: fit_shared(few, source, SETTINGS, TRANSFER).predict(rest.feff)
        for name, source in (("own", None), ("both", other), ("shuffled", other.shuffled(0)))
    }
    found = {name: error(values, rest.vasp) for name, values in answers.items()}
    assert found["both"] < 0.9 * found["own"]
    assert found["both"] < 0.9 * found["shuffled"]


@pytest.fixture(scope="module")
def answers() -> transfer.Answers:
    return transfer.transfer(TI, CU, STUDY, 5)


def test_known_sites_are_of_other_materials_and_a_second_run_is_equal(
    answers: transfer.Answers,
) -> None:
    assert all(np.isfinite(v).all() for v in answers.of.values())
    planted = Pairs(CU.element, CU.materials, CU.feff, CU.vasp.copy(), CU.sites)
    planted.vasp[:2] += 5.0  # whoever was trained on it shows it; its own material never is
    other = transfer.transfer(TI, planted, STUDY, 5)
    for key, values in other.of.items():
        np.testing.assert_array_equal(values[:, :2], answers.of[key][:, :2])
    changed = other.of[transfer.CORRECTION, 8] != answers.of[transfer.CORRECTION, 8]
    assert changed.any(), "the whole pool of 8 sites is known: others see it"


def test_rows_and_checks(answers: transfer.Answers) -> None:
    rows = transfer.transfer_metrics(answers, STUDY, 5)
    rows += transfer.domain_metrics(TI, answers, CU, STUDY, 5)
    as_read = [{k: str(v) if k == "metric" else v for k, v in row.items()} for row in rows]
    found = {r["check_id"]: r for r in checks([], as_read, []) if "transfer_" in r["check_id"]}
    assert found["transfer_ti_cu_recognised"]["verdict"] in ("holds", "fails", "open")
    assert "not computed" in found["transfer_cu_ti_recognised"]["check"]
    values = {(r["subset"], r["model"], r["metric"]): r["value"] for r in rows}
    subset = transfer.subset_of("Ti", "Cu", 8)
    one, other = (values[subset, m, Metric.RELATIVE_RMS] for m in (transfer.BOTH, transfer.OWN))
    difference = values[subset, f"{transfer.BOTH} - {transfer.OWN}", Metric.RMS_DIFFERENCE]
    assert difference == pytest.approx(one - other)
    text = transfer.warning(as_read, "Ti")
    assert text.startswith("asked about Cu its relative RMS was 0.")


HELD_OUT = [
    {"vasp": v.tolist(), "raw": f.tolist(), "corrected": f.tolist(), "delta": (v + 0.01).tolist()}
    for f, v in zip(CU.feff, CU.vasp)
]


@pytest.mark.parametrize("alpha", ["ridge", "kernel"])
def test_saved_model_answers_as_it_did_and_damage_is_refused(tmp_path: Path, alpha: str) -> None:
    own = CU if alpha == "ridge" else Pairs(
        CU.element, CU.materials, CU.feff, CU.feff + np.sin(8 * CU.feff), CU.sites)  # fmt: skip
    model = train(own, HELD_OUT, SETTINGS, "nothing")
    fitted = delta.fit_correction(own.feff, own.vasp, SETTINGS)
    base = fitted.apply(own.feff)
    wanted = base + delta.learn(base, own.vasp - base, own.materials, SETTINGS).predict(base)
    model.write(tmp_path / "m.npz")
    again = load(tmp_path / "m.npz")
    np.testing.assert_allclose(again.predict(own.feff), wanted, atol=1e-9)
    assert again.about == model.about
    assert (again.outside(CU.feff) <= 1.0).mean() > 0.9
    assert again.about.error == pytest.approx(0.01)
    (tmp_path / "m.npz").write_bytes((tmp_path / "m.npz").read_bytes()[:-40])
    with pytest.raises(DataError):
        load(tmp_path / "m.npz")


HEADER = """# FEFF 9.9.1
#  POT  SCF 100  7.0000   0, screened core-hole, AFOLP (folp(0)= 1.150)
#  Abs   Z={z} Rmt= 1.325 Rnm= 1.386 K  shell
#  Gam_ch=1.729E+00 H-L exch Vi= 0.000E+00 Vr= 0.000E+00
#  Mu=-8.096E+00eV kf=1.794E+00 Vint=-1.488E+01eV Rs_int= 2.022
#  xsedge+ 50, used to normalize mu           2.4327E-04
#  -----------------------------------------------------------------------
#  omega    e    k    mu    mu0     chi     @#
"""


def xmu(folder: Path, z: int, first: float, values: Floats) -> Path:
    """A file in the form of FEFF9."""
    folder.mkdir(parents=True)
    energy = first + 0.25 * np.arange(len(values))
    lines = [
        f"{e:12.3f} {e - first - 10:10.3f} {0.1 * k:8.3f} {v:.5E} {v:.5E} 0.00000E+00"
        for k, (e, v) in enumerate(zip(energy, values))
    ]
    (folder / "xmu.dat").write_text(HEADER.format(z=z) + "\n".join(lines) + "\n")
    return folder / "xmu.dat"


def test_predict_answers_its_element_and_claims_nothing_of_another(tmp_path: Path) -> None:
    file = tmp_path / "m.npz"
    train(CU, HELD_OUT, SETTINGS, "asked about Ti it was no better").write(file)
    own = xmu(tmp_path / "own", 29, FIRST["Cu"], CU.feff[0])
    np.testing.assert_allclose(on_grid(load(file), own), CU.feff[0], atol=1e-4)
    strange = xmu(tmp_path / "strange", 29, FIRST["Cu"], CU.feff[0] * (1.5 + np.sin(AXIS)))
    other = xmu(tmp_path / "other", 22, FIRST["Ti"], TI.feff[0])
    short = xmu(tmp_path / "short", 29, FIRST["Cu"], CU.feff[0][:100])
    files = [own, strange, other, short, tmp_path / "none" / "xmu.dat"]
    found = list(predict(file, files, {"out": str(tmp_path / "vasp")}))
    assert [a.certain for a in found] == [True, False, False, False, False]
    assert "of held-out sites err by less than" in found[0].sentence
    assert "outside the training domain" in found[1].sentence
    assert "claims nothing about another element" in found[2].sentence
    assert "asked about Ti it was no better" in found[2].sentence
    assert "the model wants" in found[3].sentence
    assert "no such file" in found[4].sentence
    assert (tmp_path / "vasp/own_xmu_vasp.csv").read_text().startswith("energy_eV,feff,vasp\n")
    with pytest.raises(ConfigError, match="known: out"):
        list(predict(file, files, {"where": "x"}))
