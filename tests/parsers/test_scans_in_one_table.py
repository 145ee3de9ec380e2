"""Scans of several edges one below the other, without a header between them, are read apart."""

import itertools

import numpy as np
import pytest

from defectra.spectra.measured import each, read_measured
from defectra.spectra.measured_formats import read_scans
from defectra.spectra.measured_spectrum import SpectrumError

STEPS = np.concatenate([np.arange(-100, -10, 4.0), np.arange(-10, 40, 0.5)])


def scan(edge, to=250):
    """Energies (eV) and absorption of a scan from 100 eV before an edge to `to` after it."""
    energy = edge + np.concatenate([STEPS, np.arange(40, to, 4.0)])
    return energy, 0.3 + 0.8 * (0.5 + np.arctan((energy - edge) / 1.5) / np.pi)


MN, FE, CO, NI = (scan(e) for e in (6539, 7112, 7709, 8333))


def written(folder, scans, header="", unit=1.0):
    rows = [f"{e / unit:.6f} {m:.6f}" for energy, mu in scans for e, m in zip(energy, mu)]
    path = folder / "scan.dat"
    path.write_text(header + "\n".join(rows) + "\n")
    return path


TABLES = {
    "upwards": (CO, NI),
    "back": (NI, CO),
    "far": (MN, NI),
    "four": (MN, FE, CO, NI),
    "one edge twice, after another": (MN, NI, NI),
    "one edge twice, before another": (NI, NI, MN),
    "downwards": tuple((e[::-1], m[::-1]) for e, m in (NI, CO)),
    "one runs into the next": (scan(7112, 700), CO),
    "one runs far into the next": (scan(7709, 700), scan(8333, 700)),
    "of unequal length": (scan(8333, 900), scan(7709, 120)),
}


@pytest.mark.parametrize("header", ["", "# energy mu\n"])
@pytest.mark.parametrize("case", TABLES)
def test_each_scan_is_read_apart(case, header, tmp_path):
    scans = TABLES[case]
    found = read_scans(written(tmp_path, scans, header))
    assert len(found) == len(scans)
    for one, (energy, mu) in zip(found, scans):
        np.testing.assert_allclose(one.energy, energy)
        np.testing.assert_allclose(one.mu, mu, atol=1e-6)


def test_an_edge_upwards_and_one_downwards_are_read_apart(tmp_path):
    scans = (CO, (NI[0][::-1], NI[1][::-1]))
    found = read_scans(written(tmp_path, scans, "# energy mu\n"))
    assert [one.energy[0] for one in found] == [7609, 8581]


@pytest.mark.parametrize(("header", "line"), [("", 1), ("# a\n\n# energy mu\n", 4)])
def test_the_line_of_the_jump_is_named(header, line, tmp_path):
    path = written(tmp_path, (CO, NI), header)
    line += len(CO[0])
    said = f"line {line}: energies jump from 7957 to 8233, another scan begins there"
    with pytest.raises(SpectrumError, match=f"holds 2 spectra: .*; {said}; choose one: --scan 1"):
        read_measured(path)
    found = read_measured(path, scan="2")
    assert said in found.notes
    assert found.energy[0] == 8233
    spectra = [make() for _, make in each([path], None, "", None)]
    assert [s.energy[0] for s in spectra] == [7609, 8233]


@pytest.mark.parametrize("header", ["# energy(keV) mu\n", "# energy mu\n", ""])
def test_scans_in_kev_are_read_apart(header, tmp_path):
    found = read_scans(written(tmp_path, (CO, NI), header, unit=1000.0))
    assert [len(one.energy) for one in found] == [len(CO[0]), len(NI[0])]


def test_soft_x_rays_are_read_apart(tmp_path):
    energies = (np.arange(520, 570, 0.2), np.arange(630, 670, 0.2))
    scans = [(e, 0.3 + 0.5 * (e > e[60])) for e in energies]
    assert len(read_scans(written(tmp_path, scans))) == 2


def step(energy):
    return 0.3 + 0.8 * (0.5 + np.arctan((energy - 8333) / 1.5) / np.pi)


NOISE = np.random.default_rng(5).normal(size=300)
ONE_SCAN = {
    "regions that overlap": [(8230, 8320, 4), (8316, 8350, 0.5), (8340, 8700, 4)],
    "measured on from an earlier energy": [(8230, 8500, 1), (8440, 8700, 1)],
    "a hole of 50 eV": [(8230, 8400, 1), (8450, 8700, 1)],
    "wide steps before and after": [(8000, 8200, 50), (8230, 8400, 1), (8500, 9300, 100)],
    "wide steps": [(5000, 12000, 100)],
}


@pytest.mark.parametrize("case", ONE_SCAN)
def test_one_scan_stays_one(case, tmp_path):
    energy = np.concatenate([np.arange(*map(float, part)) for part in ONE_SCAN[case]])
    (found,) = read_scans(written(tmp_path, [(energy, step(energy))]))
    np.testing.assert_allclose(found.energy, energy)


def test_jitter_makes_no_scan(tmp_path):
    energy = 8230 + np.arange(300.0) + 2 * NOISE
    assert len(read_scans(written(tmp_path, [(energy, step(energy))], "# energy mu\n"))) == 1


def test_scans_of_hdf5_are_read_apart(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as handle:
        handle["entry/energy"], handle["entry/mu"] = map(np.concatenate, zip(CO, NI))
    found = read_scans(path)
    assert [(one.energy[0], one.label) for one in found] == [
        (a, f"/entry, rows {b + 1} to {c}")
        for a, (b, c) in zip((7609, 8233), itertools.pairwise((0, len(CO[0]), 2 * len(CO[0]))))
    ]
