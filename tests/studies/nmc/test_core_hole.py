"""A second code for Li K and O K: planted spectra with a known shift, change and width."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from defectra.core.config import load, own_or_shipped
from defectra.core.records import CALCULATIONS, SPECTRA
from defectra.core.store import Archive
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.campaign import core_holes, drawn
from defectra.studies.nmc.blocks.core_hole import (
    CHANGES,
    MEANS,
    SHIFT,
    SIZE,
    SWAPPED,
    compare,
    partners_of,
)
from defectra.studies.nmc.blocks.design import tasks
from defectra.studies.nmc.blocks.sites import read_sites

GRID = Grid(start=528.9, stop=562.1, step=0.2, shift=0.0, fwhm=1.0)
AXIS = np.arange(520.0, 575.0, 0.1)
ROWS = [
    {"block": b, "arm": a, "structure_id": f"{a}{b}"}
    for b in range(4)
    for a in ("pristine", "vacancy", "antisite")
]


def spectrum(row, site, code, alike):
    """Two peaks and a step; a vacancy moves weight at an energy of its block."""
    place = row["block"] if alike or code == 0 else (row["block"] + 2) % 4
    mu = 1 / (1 + np.exp(-(AXIS - 531)))
    mu = mu + np.exp(-((AXIS - 533.0) ** 2)) + 0.6 * np.exp(-(((AXIS - 542.0) / 3) ** 2))
    if row["arm"] != "pristine":
        sign = 1 if row["arm"] == "vacancy" else -1
        mu = mu + sign * 0.1 * np.exp(-((AXIS - 536.0 - 3 * place) ** 2))
        mu = mu + 0.002 * np.sin((2 + row["block"]) * AXIS / 3 + code)  # blocks are not alike
    return mu + 0.01 * np.sin(AXIS / 2 + site)


def planted(alike=True):
    both = ({}, {})
    for row in ROWS:
        for site in range(2):
            key = row["structure_id"], "O K", f"O{site}"
            both[0][key] = AXIS, spectrum(row, site, 0, alike)
            both[1][key] = AXIS - 528.4, spectrum(row, site, 1, alike)
    return both


def of(rows, statistic, subject):
    (row,) = [r for r in rows if (r["statistic"], r["subject"]) == (statistic, subject)]
    return row


def test_the_shift_is_found_and_the_same_change_is_seen():
    rows = compare(ROWS, *planted(), {"O K": GRID})
    shift = of(rows, SHIFT, "pristine")
    assert shift["value"] == pytest.approx(528.4, abs=0.11)
    assert np.isnan([shift["lo"], shift["hi"]]).all()  # one fit to all blocks
    assert of(rows, MEANS, "pristine")["value"] > 0.99
    change = of(rows, CHANGES, "vacancy minus pristine")
    assert change["lo"] > 0.9
    assert of(rows, SWAPPED, "vacancy minus pristine")["value"] < 0.5
    sizes = [of(rows, SIZE, f"vacancy minus pristine: {c}")["value"] for c in ("FEFF", "GPAW")]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_another_change_is_not_the_same():
    rows = compare(ROWS, *planted(alike=False), {"O K": GRID})
    assert of(rows, CHANGES, "antisite minus pristine")["value"] < 0.5


def test_a_change_is_that_of_the_same_sites():
    whole = compare(ROWS, *planted(), {"O K": GRID})
    feff, gpaw = planted()
    for code in (feff, gpaw):  # in the antisite of two blocks another site was computed
        for block in (0, 1):
            for site in range(2):
                code[f"antisite{block}", "O K", f"O{site + 7}"] = code.pop(
                    (f"antisite{block}", "O K", f"O{site}")
                )
    rows = compare(ROWS, feff, gpaw, {"O K": GRID})
    assert of(rows, CHANGES, "antisite minus pristine")["n"] == 2
    vacancy = "vacancy minus pristine"
    own, other = of(rows, CHANGES, vacancy), of(whole, CHANGES, vacancy)
    assert own == other
    assert np.isfinite([own["lo"], own["hi"]]).all()


def test_sites_that_another_arm_names_otherwise_are_compared_with_themselves():
    """The name of one site is that of another one in the antisite arm."""
    whole = compare(ROWS, *planted(), {"O K": GRID})
    feff, gpaw = planted()
    partners = {(f"vacancy{b}", "O K", f"O{s}"): (f"pristine{b}", "O K", f"O{s}")
                for b in range(4) for s in range(2)}  # fmt: skip
    for block in range(4):
        for old, new in (("O1", "O9"), ("O0", "O1")):
            site = f"antisite{block}", "O K", new
            for code in (feff, gpaw):
                code[site] = code.pop((f"antisite{block}", "O K", old))
            partners[site] = f"pristine{block}", "O K", old
    rows = compare(ROWS, feff, gpaw, {"O K": GRID}, partners=partners)
    for subject in ("vacancy minus pristine", "antisite minus pristine"):
        assert of(rows, CHANGES, subject) == of(whole, CHANGES, subject)
    by_name = compare(ROWS, feff, gpaw, {"O K": GRID})
    subject = "antisite minus pristine"
    assert of(by_name, CHANGES, subject)["value"] != of(whole, CHANGES, subject)["value"]
    few = {s: p for s, p in partners.items() if s[0] not in ("antisite0", "antisite1")}
    rows = compare(ROWS, feff, gpaw, {"O K": GRID}, partners=few)
    assert of(rows, CHANGES, subject)["n"] == 2  # a site without a partner is in no other arm


def test_partners_of_the_design_are_the_same_site_of_the_family():
    config = load(own_or_shipped())
    own = list(itertools.islice(drawn(config), 3))
    partners = partners_of(own, config.nmc.blocks)
    place = {}
    for block in own:
        rows = {row["structure_id"]: row for row in block.rows.values()}
        for t in tasks(block, config.nmc.blocks):
            family = rows[t["structure_id"]]["family_sites"][t["site_index"]]
            place[t["structure_id"], f"{t['element']} {t['edge']}", t["site"]] = family
    assert all(place[defect] == place[pristine] for defect, pristine in partners.items())
    assert any(defect[2] != pristine[2] for defect, pristine in partners.items())


def test_too_little_is_nothing():
    feff, gpaw = planted()
    few = {k: v for k, v in gpaw.items() if k[0].endswith("0")}
    assert compare(ROWS, feff, few, {"O K": GRID}) == []
    without = {k: v for k, v in gpaw.items() if not k[0].startswith("antisite")}
    assert compare(ROWS, feff, without, {"O K": GRID}) == []
    assert compare(ROWS, feff, {}, {"O K": GRID}) == []


def test_an_archive_is_read_by_protocol_edge_and_status(tmp_path):
    kinds = {"float": 0.0, "int": 1, "string": "", "bool": False, "floats": [], "strings": []}
    blank = {c.name: kinds.get(c.type) for c in CALCULATIONS.columns}
    rows = [("a", "ok", "fast", "O"), ("b", "failed", "fast", "O"), ("c", "ok", "half", "O"),
            ("d", "unconverged", "fast", "Ni")]  # fmt: skip
    store = Archive(tmp_path)
    store.add(
        [blank | {"calculation_id": i, "structure_id": i, "status": s, "protocol": p, "element": e,
                  "edge": "K", "site": "S0"} for i, s, p, e in rows],
        CALCULATIONS,
    )  # fmt: skip
    curve = {c.name: kinds.get(c.type) for c in SPECTRA.columns}
    curves = [
        curve | {"calculation_id": i, "energy_eV": [1.0, 2.0], "mu": [0.0, 1.0]} for i in "acd"
    ]
    store.add(curves, SPECTRA)
    found = read_sites(tmp_path, "fast", ["O K"])
    assert list(found) == [("a", "O K", "S0")]


def test_the_second_code_asks_for_sites_that_the_first_one_has():
    config = load(own_or_shipped())
    second = core_holes(config)
    first, other = next(drawn(config)), next(drawn(second))
    asked = {
        (t["structure_id"], t["site"], t["edge"]): t["engine"]
        for t in tasks(other, second.nmc.blocks, second.nmc.engine)
    }
    known = {(t["structure_id"], t["site"], t["edge"]) for t in tasks(first, config.nmc.blocks)}
    assert set(asked) <= known
    assert len(asked) == 9
    assert set(asked.values()) == {"gpaw_corehole"}
