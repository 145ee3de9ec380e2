"""Statistics of the campaign: a planted failure, cost and hole in the coverage come back."""

from __future__ import annotations

import math

import numpy as np
import pytest

from defectra.core.config import load
from defectra.core.csvs import read_csv, write_csv
from defectra.core.paths import PROJECT
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA
from defectra.core.store import Archive
from defectra.studies.nmc.blocks.statistics import (
    ALL,
    CAMPAIGN_COLUMNS,
    MISSING,
    NOT_ARCHIVED,
    OF_ARM,
    OF_BLOCK,
    OF_ONE,
    RELAXATION,
    RELAXED,
    STATES,
    TOTAL,
    WHOLE,
    Planned,
    Run,
    campaign,
    needed_time,
)
from defectra.studies.nmc.blocks.tables import block_design, read_blocks

ARMS = ("pristine", "vacancy")
SECONDS = {"O K": 10.0, "Ni K": 20.0}


def one(rows, quantity, **about):
    where = {"protocol": ALL, "edge": ALL, "arm": ALL, "composition": ALL} | about
    own = [
        r for r in rows
        if r["quantity"] == quantity and all(r[k] == v for k, v in where.items())
        and ("lithium" in about or math.isnan(r["lithium"]))
    ]  # fmt: skip
    assert len(own) == 1, (quantity, about, own)
    return own[0]


def planned():
    """Six blocks: four are there, one of them with its converged part, as two should be."""
    names, contents = ["Ni8Mn1Co1", "Ni6Mn2Co2"], [0.2, 0.4]
    return [
        Planned(k, names[k % 2], contents[k // 3],
                dict.fromkeys((RELAXATION, "campaign"), k < 4)
                | ({"converged": k == 1} if k in (1, 5) else {}))
        for k in range(6)
    ]  # fmt: skip


def runs():
    """Block k takes 1 + k times as long; block 4 is begun, and a spectrum of it failed."""
    out = []
    for block in range(5):
        for arm in ARMS:
            out.append(Run(block, arm, "chgnet-cell", RELAXED, "ok", 5.0 * (1 + block)))
            for edge, seconds in SECONDS.items():
                state = "failed" if (block, arm, edge) == (4, "vacancy", "O K") else "ok"
                out.append(Run(block, arm, "campaign", edge, state, seconds * (1 + block)))
                if block == 1:
                    out.append(Run(block, arm, "converged", edge, "unconverged", 100.0))
    return out


def test_a_planted_failure_is_counted_where_it_is_though_its_block_is_not_whole():
    rows = campaign(planned(), runs())
    place = {"protocol": "campaign", "edge": "O K"}
    assert one(rows, "failed", **place, arm="vacancy")["value"] == 1
    assert one(rows, "failed", **place, arm="pristine")["value"] == 0
    assert one(rows, "failed", protocol="campaign")["value"] == 1
    assert one(rows, "failed", protocol="campaign")["n"] == 20
    assert one(rows, "unconverged", protocol="converged")["value"] == 4
    assert one(rows, "ok", protocol="chgnet-cell", edge=RELAXED)["unit"] == "cells"
    for (protocol, edge, arm), n in counted(rows).items():
        assert n == one(rows, "ok", protocol=protocol, edge=edge, arm=arm)["n"], "none is lost"


def counted(rows):
    found = {}
    for row in rows:
        if row["quantity"] in STATES:
            key = row["protocol"], row["edge"], row["arm"]
            found[key] = found.get(key, 0) + row["value"]
    return found


def test_planted_costs_come_back_and_a_block_that_is_not_whole_is_no_part_of_them():
    rows = campaign(planned(), runs())
    place = {"protocol": "campaign", "arm": "vacancy"}
    assert one(rows, TOTAL, **place, edge="Ni K")["value"] == 20 * (1 + 2 + 3 + 4)
    each = one(rows, OF_ONE, **place, edge="Ni K")
    assert (each["value"], each["n"]) == (50, 4)
    assert each["lo"] < 50 < each["hi"]
    assert one(rows, OF_ARM, **place)["value"] == 30 * 2.5
    assert one(rows, OF_ARM, protocol="campaign")["value"] == 30 * 2.5
    assert one(rows, OF_BLOCK, protocol="campaign")["value"] == 2 * 30 * 2.5
    assert one(rows, OF_BLOCK, protocol=RELAXATION)["value"] == 2 * 5 * 2.5
    assert one(rows, OF_BLOCK, protocol="converged")["value"] == 400
    rest = {p: one(rows, MISSING, protocol=p) for p in (RELAXATION, "campaign", "converged")}
    assert {p: (r["value"] * 3600, r["n"]) for p, r in rest.items()} == {
        RELAXATION: (pytest.approx(2 * 25), 2),
        "campaign": (pytest.approx(2 * 150), 2),
        "converged": (pytest.approx(400), 1),
    }
    assert math.isnan(rest["converged"]["lo"]), "one block has no interval"
    every = one(rows, MISSING)
    assert every["value"] * 3600 == pytest.approx(50 + 300 + 400)
    assert math.isnan(every["lo"])
    assert every["n"] == 2


def test_the_interval_of_what_is_missing_holds_it_as_often_as_it_says():
    generator = np.random.default_rng(4)
    there, missing, held = 9, 6, 0
    for _ in range(2000):
        costs = generator.normal(100, 15, there + missing)
        found = needed_time(list(costs[:there]), missing)
        held += found.lo < costs[there:].sum() < found.hi
    assert held / 2000 == pytest.approx(0.9, abs=0.025)
    assert needed_time([3.0, 4.0], 0).value == 0
    assert math.isnan(needed_time([], 3).value)


def test_coverage_counts_compositions_and_lithium_contents():
    rows = campaign(planned(), runs())
    assert one(rows, WHOLE)["value"] == 4
    assert one(rows, WHOLE)["n"] == 6
    low, high = (one(rows, WHOLE, lithium=x) for x in (0.2, 0.4))
    assert (low["value"], low["n"], high["value"], high["n"]) == (3, 3, 1, 3)
    cell = one(rows, WHOLE, composition="Ni6Mn2Co2", lithium=0.4)
    assert (cell["value"], cell["n"]) == (1, 2)


def test_no_block_at_all_is_an_empty_campaign_and_the_table_is_read_back(tmp_path):
    assert campaign([], []) == []
    alone = [Planned(p.number, p.composition, p.lithium, dict.fromkeys(p.parts, False))
             for p in planned()]  # fmt: skip
    none = campaign(alone, [])
    assert one(none, WHOLE)["value"] == 0
    assert math.isnan(one(none, MISSING)["value"])
    for rows in (none, campaign(planned(), runs()), []):
        write_csv(tmp_path / "campaign.csv", rows, CAMPAIGN_COLUMNS)
        assert len(read_csv(tmp_path / "campaign.csv", CAMPAIGN_COLUMNS)) == len(rows)


def test_an_archive_with_a_failure_and_a_gap_is_counted_as_it_is(tmp_path):
    """The first two blocks of the shipped archive; one spectrum fails, one cell is taken out."""
    config = load()
    few = config.nmc.blocks.model_copy(update={"count": 3})
    config = config.model_copy(update={"nmc": config.nmc.model_copy(update={"blocks": few})})
    source = Archive(PROJECT / config.archive / "nmc_blocks")
    design = block_design(config)
    whole = read_blocks(design, source.root, config.nmc.edges)
    before = campaign(whole.planned, whole.runs)
    arms = {(r["block"], r["arm"]): r for r in whole.rows}
    failing = arms[0, "vacancy"]["calculation_ids"][0]
    lost = arms[1, "antisite"]["structure_id"]
    cut, wanted = Archive(tmp_path), {r["structure_id"] for r in whole.rows if r["block"] < 2}
    cells = [r for r in source.read(GEOMETRIES) if r["structure_id"] in wanted - {lost}]
    spectra = [r for r in source.read(CALCULATIONS) if r["structure_id"] in wanted]
    edge = ""
    for row in spectra:
        if row["calculation_id"] == failing:
            row |= {"status": "failed", "error_class": "input_refused", "message": "planted"}
            edge = f"{row['element']} {row['edge']}"
    cut.add(cells, GEOMETRIES)
    cut.add(spectra, CALCULATIONS)
    known = {r["calculation_id"] for r in spectra} - {failing}
    cut.add([r for r in source.read(SPECTRA) if r["calculation_id"] in known], SPECTRA)
    found = read_blocks(design, tmp_path, config.nmc.edges)
    rows = campaign(found.planned, found.runs)
    place = {"protocol": "campaign", "edge": edge, "arm": "vacancy"}
    assert one(before, "failed", **place)["value"] == 0
    assert one(rows, "failed", **place)["value"] == 1
    cell = {"protocol": "chgnet-cell", "edge": RELAXED, "arm": "antisite"}
    assert one(rows, NOT_ARCHIVED, **cell)["value"] == 1
    asked = len(arms[1, "antisite"]["calculation_ids"])
    waiting = one(rows, NOT_ARCHIVED, protocol="campaign", arm="antisite")
    assert waiting["value"] == asked, "the spectra of a cell that is not there wait for it"
    assert one(before, WHOLE)["value"] == 3
    own = sum(r["cpu_s"] for r in source.read(GEOMETRIES)
              if r["structure_id"] in {r["structure_id"] for r in whole.rows})  # fmt: skip
    counted_s = sum(one(before, TOTAL, protocol=p, edge=RELAXED)["value"]
                    for p in ("chgnet", "chgnet-cell"))  # fmt: skip
    assert counted_s == pytest.approx(own), "the free cells of the parents are no small part"
    assert {p.number for p in found.planned if p.whole} <= {0}
    assert one(rows, WHOLE)["n"] == 3
