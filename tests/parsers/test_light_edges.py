"""Edges of light elements in compounds, eV away from the free atom: named, asked for, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from defectra.engines.edges import find, table
from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.edge_ranges import place
from defectra.spectra.edges_seen import (
    candidates,
    check_xray,
    eels_edges,
    steepest,
    xray_edge,
    xray_names,
)
from defectra.spectra.measured import read_measured
from defectra.spectra.measured_spectrum import Measured, SpectrumError

# Edge and where it rises in a substance, eV: the papers of `edge_ranges`, and what is usual.
SUBSTANCES = [
    ("Li K", 55.0, "metal"), ("Li K", 58.5, "carbonate"), ("Li K", 62.5, "layered oxide"),
    ("Be K", 111.5, "metal"), ("Be K", 118.5, "oxide"),
    ("B K", 188.0, "element"), ("B K", 191.5, "BN"), ("B K", 193.5, "B2O3"), ("B K", 198.0, "BO4"),
    ("C K", 282.5, "TiC"), ("C K", 285.0, "graphite"), ("C K", 289.0, "diamond"),
    ("C K", 290.0, "carbonate"), ("N K", 397.0, "TiN"), ("N K", 400.8, "N2"),
    ("N K", 405.0, "nitrate"), ("O K", 528.5, "LiNiO2"), ("O K", 531.0, "TiO2"),
    ("O K", 533.5, "layered oxide"), ("O K", 537.5, "SiO2"), ("O K", 540.0, "Al2O3"),
    ("F K", 684.0, "NiF2"), ("F K", 688.0, "CaF2"), ("F K", 692.0, "LiF"),
    ("Na K", 1071.5, "metal"), ("Na K", 1077.0, "NaCl"),
    ("Mg K", 1303.0, "metal"), ("Mg K", 1309.0, "MgO"), ("Mg K", 1314.0, "dolomite"),
    ("Al K", 1559.5, "metal"), ("Al K", 1565.5, "AlO4"), ("Al K", 1568.0, "corundum"),
    ("Si K", 1839.5, "silicon"), ("Si K", 1847.0, "SiO2"), ("Si K", 1849.0, "stishovite"),
    ("P K", 2143.0, "GaP"), ("P K", 2152.0, "phosphate"),
    ("S K", 2469.5, "CuFeS2"), ("S K", 2472.0, "sulfur"), ("S K", 2481.5, "gypsum"),
    ("S K", 2485.5, "SF6"), ("Cl K", 2820.0, "PdCl2"), ("Cl K", 2825.0, "NaCl"),
    ("Cl K", 2833.0, "perchlorate"), ("Al L3", 77.0, "alumina"), ("Si L3", 105.5, "SiO2"),
    ("P L3", 137.0, "phosphate"), ("S L3", 171.0, "sulfate"), ("K L3", 296.5, "KCl"),
]  # fmt: skip
NOT_NAMED = ("Li K", "Al L3")  # below 80 eV
PARTNERS = {"C K": "K L3", "N K": "Sc L3"}  # lie within a few eV: open is right


def edge(rises: float, before: float = 40.0, after: float = 60.0) -> Measured:
    """A step with a white line, whose steepest rise lies at `rises`."""
    energy = np.arange(rises - before, rises + after, 0.2)
    x = energy - rises
    step = 0.5 + np.arctan(x / 0.8) / np.pi
    return Measured(energy, 0.2 + step + 0.8 * np.exp(-((x - 2.5) ** 2) / 4))


@pytest.mark.parametrize(("name", "rises", "substance"), SUBSTANCES)
def test_an_edge_of_a_compound_is_accepted_and_never_called_another(name, rises, substance):
    spectrum = edge(rises, before=min(40.0, rises / 3))
    assert steepest(spectrum.energy, spectrum.mu) == pytest.approx(rises, abs=1.0)
    assert check_xray(spectrum, name) == name, substance
    if name in NOT_NAMED:
        assert check_xray(spectrum) == ""
        return
    assert name in [c.name for c in candidates(spectrum)]
    assert xray_edge(spectrum) in (None, find(*name.split()))


def test_most_are_named_alone():
    shown = {
        (name, rises): xray_names(edge(rises, before=min(40.0, rises / 3)))
        for name, rises, _ in SUBSTANCES
        if name not in (*NOT_NAMED, "N K")
    }
    alone = [named == name for (name, _), named in shown.items()]
    assert np.mean(alone) > 0.85, {k: v for k, v in shown.items() if v != k[0]}
    assert all(
        v.split(" or ")[0] == "O K" for (n, r), v in shown.items() if n == "O K" and r > 528
    ), shown


@pytest.mark.parametrize(
    ("shown", "rises", "wanted"),
    [
        ("V L3", 516.0, "O K"), ("Ti L3", 458.0, "O K"), ("Cr L3", 577.0, "O K"),
        ("O K", 531.0, "V L3"), ("O K", 531.0, "Cr L3"), ("O K", 531.0, "Ti L3"),
        ("O K", 537.5, "Sb M5"), ("O K", 531.0, "N K"), ("O K", 531.0, "F K"),
        ("Fe L3", 708.0, "F K"), ("Mn L3", 641.0, "F K"), ("F K", 685.0, "Fe L3"),
        ("Mn L2", 652.0, "F K"), ("N K", 400.0, "C K"), ("C K", 285.0, "K L3"),
        ("K L3", 297.0, "C K"), ("Ca L3", 348.0, "C K"),
        ("Ru L3", 2840.0, "Cl K"), ("Y L2", 2159.0, "P K"), ("Br L3", 1553.0, "Al K"),
        ("Zr L3", 2223.0, "P K"), ("Mo L3", 2522.0, "S K"), ("Si K", 1847.0, "P K"),
        ("Si K", 1847.0, "Al K"), ("P K", 2152.0, "S K"), ("Cl K", 2825.0, "S K"),
        ("Mg K", 1309.0, "Na K"), ("Zn L3", 1023.0, "Na K"), ("Cu L3", 933.0, "Na K"),
        ("S L3", 171.0, "B K"), ("B K", 193.5, "Be K"), ("Be K", 118.5, "Li K"),
        ("Si L3", 105.5, "Be K"), ("La L3", 5490.0, "V K"),
    ],
)  # fmt: skip
def test_another_edge_is_refused(shown, rises, wanted):
    spectrum = edge(rises, before=min(40.0, rises / 3))
    assert shown in [c.name for c in candidates(spectrum)] or shown == "Mn L2"
    with pytest.raises(SpectrumError, match=rf"you asked for {wanted} \("):
        check_xray(spectrum, wanted)


def test_the_header_of_a_file_is_checked_in_the_same_way():
    found = edge(533.5)
    said = Measured(found.energy, found.mu, element="F", edge="K")
    with pytest.raises(SpectrumError, match=r"the file says F K \(682 to 696 eV in compounds\)"):
        check_xray(said)


@pytest.mark.parametrize(("first", "last"), [(510.0, 542.0), (527.5, 580.0)])
def test_a_scan_may_end_before_the_free_atom_or_begin_in_the_range(first, last):
    whole = edge(533.5)
    inside = (whole.energy > first) & (whole.energy < last)
    assert check_xray(Measured(whole.energy[inside], whole.mu[inside]), "O K") == "O K"


@pytest.mark.parametrize(
    ("rises", "scale"), [(533.5, 1e-3), (533.5, 2.0), (490.0, 1.0), (590.0, 1.0)]
)
def test_a_scan_beside_the_range_or_of_another_unit_is_refused(rises, scale):
    found = edge(rises, before=20, after=25)
    with pytest.raises(SpectrumError, match="another edge, or another unit of energy"):
        check_xray(Measured(found.energy * scale, found.mu), "O K")


def test_what_lies_within_a_few_ev_stays_open_until_it_is_asked_for():
    for rises, names in ((528.2, {"O K", "Sb M5"}), (402.0, {"N K", "Sc L3"}),
                         (293.0, {"C K", "K L3"}), (200.0, {"B K", "Cl L3"}),
                         (5478.0, {"V K", "La L3"})):  # fmt: skip
        found = edge(rises)
        assert names <= {c.name for c in candidates(found)}, rises
        assert all(check_xray(found, name) == name for name in names), rises


def test_the_axis_may_be_off_beyond_the_range_where_no_other_edge_is_likelier():
    assert check_xray(edge(525.5), "O K") == "O K"  # 0.3 % below the first oxide
    with pytest.raises(SpectrumError, match="O K"):
        check_xray(edge(521.0), "O K")


@pytest.mark.parametrize("name", ["O K", "S K", "Fe K", "V L3", "Sb M5", "Si L3"])
def test_the_densities_of_all_edges_have_one_area(name):
    found = find(*name.split())
    assert found is not None
    where = place(found)
    energy = np.arange(where.first - 120, where.last + 120, 0.01)
    density = np.exp([where.log_density(e) for e in energy]) / np.sqrt(2 * np.pi)
    if where.tabulated:
        assert density.sum() * 0.01 == pytest.approx(1, abs=0.01)
    else:  # each side has the height of its own width
        below, above = (density[m].sum() * 0.01 for m in (energy < where.first,
                                                         energy > where.first))  # fmt: skip
        assert (below, above) == pytest.approx((0.5, 0.5), abs=0.01)


def test_every_range_holds_the_element_and_is_no_wider_than_chemistry_moves_it():
    tabulated = [one for one in table() if place(one).tabulated]
    assert tabulated
    for one in tabulated:
        where = place(one)
        assert one.number <= 19
        assert where.last - where.first <= 20
        assert where.first - 17 < one.energy < where.last + 17, one


# --- energy loss ----------------------------------------------------------------------------


def loss(*peaks: float) -> Measured:
    """Counts with a white line and a step at each energy, on a background that falls."""
    energy = np.arange(min(peaks) - 40, max(peaks) + 60, 0.25)
    counts = 1e5 * (energy / energy[0]) ** -3.0
    for peak in peaks:
        x = energy - peak
        counts += 2e4 * np.exp(-(x**2) / 4) + 4e3 / (1 + np.exp(-x))
    return Measured(energy, counts, kind="counts")


@pytest.mark.parametrize(
    ("peaks", "elements", "edges"),
    [
        ((62.0,), ("Li", "O"), ["Li K"]),
        ((401.0,), ("N", "O"), ["N K"]),
        ((459.0, 532.0), ("O", "Ti"), ["Ti L3", "O K"]),
        ((532.0, 642.0, 780.0, 854.0), ("O", "Mn", "Co", "Ni"), ["O K", "Mn L3", "Co L3", "Ni L3"]),
        ((532.0, 577.0), ("O", "Cr"), ["O K", "Cr L3"]),
        ((517.0,), ("O", "V"), ["V L3"]),
        ((600.0,), ("O", "Mn"), []),
    ],
)
def test_white_lines_of_energy_loss_are_compared_with_the_ranges(peaks, elements, edges):
    assert [line.edge for line in eels_edges(loss(*peaks), elements)] == edges


# --- short scans ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rises", "first", "last"),
    [("O K", 533.5, 523.0, 580.0), ("Li K", 62.5, 46.0, 105.0), ("C K", 285.0, 275.0, 320.0)],
)
def test_a_short_scan_is_read_from_a_file_and_normalised(
    name, rises, first, last, tmp_path: Path
) -> None:
    whole = edge(rises)
    inside = (whole.energy > first) & (whole.energy < last)
    np.savetxt(tmp_path / "a.csv", np.column_stack([whole.energy, 3 * whole.mu])[inside],
               delimiter=",", header="energy,mu", comments="")  # fmt: skip
    found = normalise(read_measured(tmp_path / "a.csv", name))
    assert found.e0 == pytest.approx(rises, abs=1.0)
    assert found.step == pytest.approx(3.0, rel=0.1)
    assert found.mu[found.energy < rises - 8].max() < 0.05


@pytest.mark.parametrize(("after", "flattened"), [(45.0, False), (300.0, True)])
def test_only_a_long_scan_is_flattened_for_a_model(after, flattened):
    whole = edge(533.5, after=after)
    x = np.maximum(whole.energy - 533.5, 0.0)
    mu = whole.mu * (1 - 6e-4 * x + 0.1 * np.sin(x / 8) * np.exp(-x / 40))
    found = normalise(Measured(whole.energy, 3 * mu + 0.5))
    assert np.array_equal(found.for_model, found.mu) == flattened
    if not flattened:  # the shape that was planted, whatever the step
        planted = mu - mu[whole.energy < 515].mean()
        ratio = found.for_model[x > 5] / planted[x > 5]
        assert np.ptp(ratio) < 0.02 * ratio.mean()
        assert np.ptp(found.mu[x > 5] / planted[x > 5]) > 0.03 * ratio.mean()
