"""Measured spectra: real files, and every kind of bad input, real or really broken."""

import gzip
import shutil

import numpy as np
import pytest

from defectra.cli.main import main
from defectra.spectra.edge_normalisation import l23, normalise
from defectra.spectra.measured import check_eels, read_measured
from defectra.spectra.measured_formats import read_scans
from defectra.spectra.measured_spectrum import Measured, SpectrumError, cleaned, on_grid

EELS = "spectra/jia2026_multimodal/Data/Exp_data/EELS"


def nickel(shift=0.0):
    """Energies and absorption about the Ni K edge at 8,333 eV."""
    energy = np.concatenate([np.arange(8230, 8320, 5.0), np.arange(8320, 8600, 0.5)])
    x = energy - 8333 - shift
    peak = 0.6 * np.exp(-0.5 * ((x - 12) / 3) ** 2)
    return energy, 0.3 - 1e-4 * x + 0.8 * (0.5 + np.arctan(x / 1.5) / np.pi + peak)


def write(path, energy, mu, header="# energy mu\n"):
    path.write_text(header + "\n".join(f"{e:.6f} {m:.8f}" for e, m in zip(energy, mu)))
    return path


@pytest.fixture
def spectra(mirror):
    if not (mirror / "spectra").is_dir():
        pytest.skip("no spectra in the mirror")
    return mirror


def test_every_xdi_file_is_read_and_normalised(spectra):
    files = sorted((spectra / "spectra/xdi").glob("*/*.xdi"))
    assert len(files) == 24
    for path in files:
        found = read_measured(path)
        assert found.element == path.parent.name
        assert found.kind == "transmission"
        flat = normalise(found)
        x = flat.energy - flat.e0
        after = (x > flat.ranges[2]) & (x < flat.ranges[3])
        assert abs(flat.mu[after].mean() - 1) < 0.03, path.name
        assert abs(flat.mu[x < flat.ranges[1]].mean()) < 0.02, path.name


def test_manganese_edges_move_with_oxidation(spectra):
    names = ("MnO_rt_01", "Mn3O4_rt_01", "MnO2_rt_01")
    where = []
    for name in names:
        flat = normalise(read_measured(spectra / f"spectra/xdi/Mn/{name}.xdi"))
        where.append(flat.energy[np.argmax(flat.mu > 0.5)])
    assert where[0] < where[1] < where[2]


def test_numbers_are_those_of_the_file(spectra):
    path = spectra / "spectra/xdi/Mn/MnO2_rt_01.xdi"
    rows = np.loadtxt(path)
    found = read_measured(path)
    np.testing.assert_array_equal(found.energy, rows[:, 0])
    np.testing.assert_allclose(found.mu, np.log(rows[:, 1] / rows[:, 2]))


def test_mislabelled_eels_files_are_refused(spectra):
    folder = spectra / EELS / "TM"
    for name, shown in (("Co_edge.msa", "Ni L3"), ("Ni_edge.msa", "Co L3, Ni L3")):
        with pytest.raises(SpectrumError, match=f"shows {shown}"):
            read_measured(folder / name)
    for name, first in (("Mn_edge.msa", "Mn L3"), ("oxygen_edge.msa", "O K")):
        found = read_measured(folder / name)
        assert check_eels(found, folder / name, None, ("O", "Mn", "Co", "Ni"))[0] == first
    with pytest.raises(SpectrumError, match="asked for"):
        read_measured(folder / "Mn_edge.msa", "O K")


def test_the_right_name_is_accepted(spectra, tmp_path):
    copy = tmp_path / "Ni_edge.msa"
    shutil.copy(spectra / EELS / "TM" / "Co_edge.msa", copy)
    assert len(read_measured(copy, "Ni L3").energy) == 1977


def test_every_msa_file_is_read_whole(spectra):
    paths = sorted((spectra / EELS).glob("*/*.msa"))
    assert paths
    for path in paths:
        points = int(path.read_text().split("#NPOINTS")[1].split(":")[1].split()[0])
        assert [len(scan.energy) for scan in read_scans(path)] == [points]


def test_truncated_msa_and_electrochemistry(spectra, tmp_path):
    text = (spectra / EELS / "TM" / "Mn_edge.msa").read_text()
    (tmp_path / "Mn_edge.msa").write_text(text[: len(text) // 2])
    with pytest.raises(SpectrumError, match="cut off"):
        read_measured(tmp_path / "Mn_edge.msa")
    for name in ("622", "811-Al"):
        csv = spectra / f"spectra/jia2026_multimodal/Data/Exp_data/XAS/{name}.csv"
        with pytest.raises(SpectrumError, match="electrochemistry"):
            read_measured(csv)


def test_unsorted_real_file_is_sorted_and_reported(spectra):
    path = spectra / "spectra/lightshow/notebooks/spectra_files/anatase_exp.txt"
    found = read_measured(path, "Ti K")
    assert (np.diff(found.energy) > 0).all()
    assert any("sorted" in n for n in found.notes)


@pytest.mark.parametrize("header", ["# energy mu\n", "", "# Athena.element: Ni\n# energy xmu\n"])
def test_plain_columns(tmp_path, header):
    energy, mu = nickel()
    found = read_measured(write(tmp_path / "a.dat", energy, mu, header), "Ni K")
    np.testing.assert_allclose(found.mu, mu, atol=1e-7)
    assert normalise(found).step == pytest.approx(0.8, rel=0.03)


def test_gzip_and_csv(tmp_path):
    energy, mu = nickel()
    path = write(tmp_path / "a.dat", energy, mu)
    (tmp_path / "b.dat.gz").write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(read_measured(tmp_path / "b.dat.gz").energy, energy)
    rows = "\n".join(f"{e},{m}" for e, m in zip(energy, mu))
    (tmp_path / "c.csv").write_text("Energy (eV),mu\n" + rows)
    np.testing.assert_allclose(read_measured(tmp_path / "c.csv").mu, mu)
    (tmp_path / "d.csv").write_text(
        "Energy (keV),mu\n" + "\n".join(f"{e / 1000},{m}" for e, m in zip(energy, mu))
    )
    assert "energies were in keV" in read_measured(tmp_path / "d.csv").notes


def test_kev_doubled_and_downwards_are_mended_and_reported(tmp_path):
    energy, mu = nickel()
    found = read_measured(write(tmp_path / "kev", energy / 1000, mu), "Ni K")
    assert "energies were in keV" in found.notes
    np.testing.assert_allclose(found.energy, energy)
    twice = write(tmp_path / "twice", np.repeat(energy, 2), np.repeat(mu, 2))
    found = read_measured(twice, "Ni K")
    np.testing.assert_allclose(found.mu, mu, atol=1e-7)
    assert "doubled" in found.notes[0]
    found = read_measured(write(tmp_path / "down", energy[::-1], mu[::-1]), "Ni K")
    np.testing.assert_allclose(found.energy, energy)


def _rows(text, change):
    """An XDI file whose number rows were changed; `change` takes and gives a list of rows."""
    lines = text.splitlines()
    head = [x for x in lines if x.startswith("#") or not x.strip()]
    rows = [x.split() for x in lines if x.strip() and not x.startswith("#")]
    return "\n".join([*head, *("  ".join(r) for r in change(rows))]) + "\n"


def _kev(rows):
    return [[f"{float(r[0]) / 1000:.7f}", *r[1:]] for r in rows]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_kev, "energies were in keV"),
        (lambda rows: rows[::-1], ""),
        (lambda rows: [r for pair in zip(rows[1::2], rows[::2]) for r in pair], "sorted"),
        (lambda rows: [r for r in rows for _ in (0, 1)], "doubled"),
        (lambda rows: [*rows[:-2], *([r[0], "nan", *r[2:]] for r in rows[-2:])], "cut"),
    ],
    ids=["keV", "downwards", "unsorted", "doubled", "NaN at the end"],
)
def test_a_real_file_is_mended_and_it_is_reported(spectra, tmp_path, change, expected):
    source = spectra / "spectra/xdi/Ni/NiOH2_rt_01.xdi"
    plain = read_measured(source, "Ni K")
    unit = "keV" if change is _kev else "eV"
    text = _rows(source.read_text(), change).replace("energy eV", f"energy {unit}")
    (tmp_path / "a.xdi").write_text(text)
    found = read_measured(tmp_path / "a.xdi", "Ni K")
    assert expected in " ".join(found.notes)
    count = len(found.energy)
    np.testing.assert_allclose(found.energy, plain.energy[:count], atol=1e-3)
    np.testing.assert_allclose(found.mu, plain.mu[:count], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: [*rows[:200], [rows[200][0], "nan", *rows[200][2:]], *rows[201:]], "inside"),
        (lambda rows: rows[:95], "after the edge"),
        (_kev, "another unit of energy"),  # though its header says eV
        (lambda rows: rows[:12], "12"),
    ],
    ids=["NaN inside", "ends early", "keV called eV", "few rows"],
)
def test_a_real_file_that_cannot_be_used_is_refused(spectra, tmp_path, change, expected):
    source = spectra / "spectra/xdi/Ni/NiOH2_rt_01.xdi"
    (tmp_path / "a.xdi").write_text(_rows(source.read_text(), change))
    with pytest.raises(SpectrumError, match=expected):
        normalise(read_measured(tmp_path / "a.xdi", "Ni K"))


@pytest.mark.parametrize("edge", ["Co K", "Cu K", "Ni L3"])
def test_a_real_file_of_another_edge_is_refused(spectra, edge):
    with pytest.raises(SpectrumError):
        read_measured(spectra / "spectra/xdi/Ni/NiOH2_rt_01.xdi", edge)


def test_nan_inside_is_refused_at_the_ends_cut():
    energy, mu = nickel()
    mu[200] = np.nan
    with pytest.raises(SpectrumError, match="inside"):
        cleaned(Measured(energy, mu))
    energy, mu = nickel()
    mu[:3] = np.nan
    found = cleaned(Measured(energy, mu))
    assert len(found.energy) == len(energy) - 3
    assert "cut" in found.notes[0]


def test_spectrum_that_ends_before_the_grid(tmp_path):
    energy, mu = nickel()
    found = read_measured(write(tmp_path / "a", energy, mu), "Ni K")
    inside = on_grid(found, np.linspace(8330, 8370, 100))
    assert inside.shape == (100,)
    with pytest.raises(SpectrumError, match=r"8600\.0|8599\.5"):
        on_grid(found, np.linspace(8330, 8700, 100))


def test_wrong_edge(tmp_path):
    energy, mu = nickel()
    with pytest.raises(SpectrumError, match="another edge"):
        read_measured(write(tmp_path / "a", energy, mu), "Co K")
    shifted = write(tmp_path / "b", *nickel(shift=60.0))
    with pytest.raises(SpectrumError, match="rises at"):
        read_measured(shifted, "Ni K")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "no table"),
        (b"\x00\x01\x02" * 500, "no table"),
        (b"1 2\n2 3\n3 4\n", "at least 20"),
        (b"hello\nworld\n", "no table"),
    ],
)
def test_rubbish_is_refused(tmp_path, content, expected):
    (tmp_path / "x.dat").write_bytes(content)
    with pytest.raises(SpectrumError, match=expected):
        read_measured(tmp_path / "x.dat")


def test_look_names_every_file(tmp_path, capsys):
    good = write(tmp_path / "good.dat", *nickel())
    (tmp_path / "bad.dat").write_text("nothing")
    assert main(["look", str(good), str(tmp_path / "bad.dat")]) == 1
    out = capsys.readouterr().out
    assert "Ni K" in out
    assert "refused" in out


def test_l2_beside_l3_with_the_steps_of_the_headers():
    grid = np.linspace(840.0, 900.0, 601)
    l3 = (grid, 1.0 * (grid > 852), 2.0e-2)
    l2 = (grid, 1.0 * (grid > 870), 1.0e-2)
    both = l23(grid, l3, l2)
    assert both[grid < 850].max() == 0
    assert both[(grid > 853) & (grid < 869)] == pytest.approx(2 / 3)
    assert both[grid > 871] == pytest.approx(1)


def swapped(folder, kind):
    """Energies and absorption that have changed places, and the words of the user."""
    energy, mu = nickel()
    if kind == "chosen":
        return [str(write(folder / "a.dat", energy, mu)), "--columns", "energy=2", "mu=1"]
    path = folder / "a.dat"
    head = "# energy mu\n" if kind == "named" else ""
    path.write_text(head + "\n".join(f"{m} {e}" for m, e in zip(np.linspace(0, 2, 400), energy)))
    return [str(path)]


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("chosen", "read column 2 as energy, column 1 as absorption (energies were in keV)"),
        (
            "named",
            "column 1 (energy) as energy, column 2 (mu) as absorption (energies were in keV)",
        ),
        ("unnamed", "read column 1 as energy (energies were in keV)"),
    ],
)
def test_a_refusal_says_how_the_columns_were_read(tmp_path, capsys, kind, read):
    assert main(["look", *swapped(tmp_path, kind)]) == 1
    said = capsys.readouterr().out
    assert read in said
    assert "--columns energy=" in said
