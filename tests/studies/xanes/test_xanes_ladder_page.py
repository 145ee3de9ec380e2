"""The table of sites at every fidelity, from planted rows."""

from __future__ import annotations

from benchmarks.pages.xanes_ladder import text


def row(panel, rung, reference, rms=0.1, shift=0.0):
    about = {"panel": panel, "rung": rung, "reference": reference, "cpu_s": 1234.0}
    return about | {"relative_rms": rms, "pearson": 1 - rms, "shift": shift}


def test_every_fidelity_has_a_line_with_its_distance_from_each_reference():
    site, nickel = "X O K, site O1", "Ni K abc Ni1"
    rows = [
        row(site, "feff stringent", ""),
        row(site, "feff fast", "feff stringent"),
        row(site, "gpaw fast", ""),
        row(site, "feff fast", "gpaw fast", rms=0.2),
        row(site, "feff stringent", "gpaw fast", rms=0.3),
        row(nickel, "balanced", "", shift=-4.2),
        row(nickel, "fast", "balanced", rms=0.02, shift=-4.1),
        row(nickel, "fast", "balanced", rms=0.01, shift=-4.25),
    ]
    said = text(rows, -4.2)
    assert f"| {site} | feff fast | 1,234 | 0.100, 0.900 | 0.200, 0.800 |" in said
    assert f"| {site} | feff stringent | 1,234 |  | 0.300, 0.700 |" in said
    assert f"| {site} | gpaw fast | 1,234 |  |  |" in said
    assert "2 sites: relative RMS 0.010 to 0.020, shifts -0.05 to +0.10 eV" in said
    assert "No nickel site" in text(rows[:5], -4.2)
