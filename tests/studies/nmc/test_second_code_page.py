"""What the comparison of two codes rests on: planted factors, shifts and peaks come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_core_hole import GRID, ROWS, planted

from benchmarks.pages import nmc_second_code
from benchmarks.pages.nmc_convergence import moved_more
from benchmarks.pages.nmc_second_code import AS_FIXED, OWN, PHOTON, Codes, own_shifts, peaks
from defectra.studies.nmc.blocks.convergence import DISTANCE, FAST_SITES, MEAN, SIZE
from defectra.studies.nmc.blocks.scores import CLAIMED

EDGE = "O K"


@pytest.fixture(scope="module")
def codes():
    return Codes(ROWS, *planted(), {EDGE: GRID})


def test_the_photon_energy_is_that_of_the_axis_of_the_other_code(codes):
    site = ("vacancy1", EDGE, "O1")
    energy, mu = codes.gpaw[site]
    found = codes.with_photon_energy().gpaw[site]
    assert found[0] is energy
    assert found[1] / mu == pytest.approx(codes.feff[site][0], abs=0.11)


def test_an_arm_whose_zero_is_off_is_laid_upon_its_pristine_one(codes):
    off = codes.moved({(f"vacancy{b}", EDGE): -0.3 for b in range(4)})
    plain, shifts = own_shifts(codes), own_shifts(off)
    assert set(shifts) == {(f"{a}{b}", EDGE) for a in ("vacancy", "antisite") for b in range(4)}
    for b in range(4):
        change = shifts[f"vacancy{b}", EDGE] - plain[f"vacancy{b}", EDGE]
        assert change == pytest.approx(0.3, abs=0.06)
        assert shifts[f"antisite{b}", EDGE] == plain[f"antisite{b}", EDGE]
    back = off.moved(shifts).gpaw["vacancy0", EDGE, "O0"][0]
    assert back == pytest.approx(codes.gpaw["vacancy0", EDGE, "O0"][0], abs=0.11)


def test_peaks_of_equal_spectra_are_not_apart_and_a_moved_one_is(codes):
    assert {name: len(v) for name, v in peaks(codes).items()} == {"pre-edge": 24, "main peak": 24}
    assert np.abs(np.concatenate(list(peaks(codes).values()))).max() < 1.0
    feff = {
        s: (e, mu + (s[0] == "vacancy2") * 3 * np.exp(-(((e - 547.0) / 1.0) ** 2)))
        for s, (e, mu) in codes.feff.items()
    }
    moved = peaks(replace(codes, feff=feff))["main peak"]
    assert min(moved) == pytest.approx(-5.0, abs=0.6)
    assert sum(v < -4 for v in moved) == 2


def test_the_page_has_a_row_of_every_way_with_its_verdicts(codes):
    text = nmc_second_code.text(codes)
    for way in (AS_FIXED, PHOTON, OWN, "Gaussian of 0 eV"):
        assert f"| {way} | {EDGE} |" in text
    assert "vacancy: holds, antisite: holds" in text
    assert "4 blocks" in text
    few = replace(codes, gpaw={})
    assert nmc_second_code.text(few) == nmc_second_code.NONE


def test_edges_where_the_protocol_moves_more_than_a_defect_are_named():
    def row(edge, statistic, value, subject="", spectra=""):
        about = {"edge": edge, "statistic": statistic, "subject": subject, "spectra": spectra}
        return about | {"block": MEAN, "value": value, "lo": value, "hi": value, "n": 7}

    rows = [row("O K", DISTANCE, 0.1), row("Ni K", DISTANCE, 0.04)]
    for pair, sizes in zip(CLAIMED, ((0.2, 0.05), (0.05, 0.01))):
        subject = f"{pair.arm} minus {pair.other}"
        rows += [row(e, SIZE, v, subject, FAST_SITES) for e, v in zip(("O K", "Ni K"), sizes)]
    assert moved_more(rows).endswith("vacancy: none; antisite: O K, Ni K.")
