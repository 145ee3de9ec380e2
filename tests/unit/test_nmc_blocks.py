"""Blocks of the NMC campaign: balanced by design, the same for a seed, exported whole."""

from __future__ import annotations

import shutil
from collections import Counter
from functools import cache

import numpy as np
import pytest

from defectra.campaign.request import Waiting
from defectra.core.config import load
from defectra.core.errors import ConfigError
from defectra.core.journal import Journal
from defectra.core.records import CALCULATIONS, GEOMETRIES, STRUCTURES
from defectra.core.store import Archive, to_arrow
from defectra.engines.chgnet.settings import ChgnetProtocol
from defectra.engines.feff.settings import FeffProtocol
from defectra.engines.relaxation import settings_digest
from defectra.structures.geometry import as_row, to_pymatgen, vegard
from defectra.studies.nmc.blocks.campaign import (
    BLOCKS_ARCHIVE,
    begun,
    drawn,
    export,
    fill,
    journal_of,
    status,
)
from defectra.studies.nmc.blocks.design import BLOCKS, blocks, sites, tasks
from defectra.studies.nmc.geometries import in_cell_of
from defectra.studies.nmc.settings import ARMS, NmcBlocks

SPEC = NmcBlocks(arms=list(ARMS))


@cache
def design():
    return list(blocks(SPEC, 10, 2501))


def contents(row):
    return [row["species"].count(e) for e in ("Li", "Ni", "Mn", "Co")]


def test_the_order_is_balanced_and_its_first_part_too():
    assert len(design()) == SPEC.count
    for part in (design()[:36], design()):
        first = [b.table[0] for b in part]
        for key, spread in (("composition", 1), ("lithium", 1), ("antisite", 1)):
            numbers = Counter(row[key] for row in first).values()
            assert max(numbers) - min(numbers) <= spread, key
    pairs = [(b.table[0]["composition"], b.table[0]["lithium"]) for b in design()]
    assert len(set(pairs)) == len(pairs)
    assert len({b.table[0]["family"] for b in design()}) == len(design())
    assert len({b.table[0]["vacancy_metals"] for b in design()}) == 10  # every kind of three


def test_every_arm_in_each_block_with_its_columns():
    rows = [row for b in design() for row in b.rows.values()]
    assert all(list(b.rows) == list(ARMS) for b in design())
    assert to_arrow(rows, STRUCTURES).num_rows == 6 * len(design())
    assert to_arrow([t for b in design() for t in b.table], BLOCKS).num_rows == len(rows)
    for block in design():
        plain, more = block.rows["pristine"], block.rows["lithium"]
        assert (
            contents(plain) == contents(block.rows["vacancy"]) == contents(block.rows["antisite"])
        )
        assert more["species"].count("Li") == plain["species"].count("Li") + 2
        assert len({row["family"] for row in block.rows.values()}) == 1
        assert block.rows["vacancy"]["parent_id"] == plain["structure_id"]


def test_the_lithium_arm_has_the_electrons_of_the_vacancy():
    def charge(row):  # formal, of all metals
        return 2 * row["species"].count("O") - row["species"].count("Li")

    for block in design():
        assert charge(block.rows["lithium"]) == charge(block.rows["vacancy"])
        assert charge(block.rows["pristine"]) > charge(block.rows["vacancy"])


@pytest.mark.parametrize(
    ("arms", "expected"),
    [(("pristine", "vacancy"), False), (("pristine", "antisite"), False),
     (("lithium", "vacancy"), True)],
)  # fmt: skip
def test_contents_alone_tell_no_arm(arms, expected):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    x = np.array([contents(b.rows[arm]) for b in design() for arm in arms], float)
    y = np.array([k for _ in design() for k in (0, 1)])
    groups = np.repeat(np.arange(len(design())), 2)
    model = LogisticRegression(max_iter=1000)
    scores = cross_val_predict(
        model, x, y, groups=groups, cv=GroupKFold(5), method="decision_function"
    )
    found = roc_auc_score(y, scores)
    if expected:  # the control can fail: this arm has more lithium
        assert found > 0.6
    else:
        assert found == pytest.approx(0.5, abs=1e-9)


def test_the_same_seed_gives_the_same_blocks_and_more_continue_them():
    few = list(blocks(SPEC, 10, 2501, count=4))
    assert few == design()[:4]
    assert list(blocks(SPEC, 10, 7, count=4)) != few
    fewer_arms = NmcBlocks(arms=["pristine", "vacancy"])
    for block, whole in zip(blocks(fewer_arms, 10, 2501, count=4), few):
        assert block.rows == {a: whole.rows[a] for a in fewer_arms.arms}


def test_arms_share_their_sites_and_a_defect_is_drawn_like_any_other():
    touched = 0
    for block in design():

        def drawn(arm, element, number, block=block):
            row = block.rows[arm]
            return [row["family_sites"][i] for _, i, _ in sites(row, element, number)]

        two = drawn("pristine", "O", 2)
        assert drawn("pristine", "O", 4)[:2] == two
        there = set(block.rows["vacancy"]["family_sites"])
        assert set(drawn("vacancy", "O", 4)) >= set(two) & there
        touched += drawn("antisite", "Ni", 2) != drawn("pristine", "Ni", 2)
    assert 0 < touched < len(design())


@pytest.mark.parametrize("arm", ["pristine", "vacancy", "antisite"])
def test_a_defect_sits_on_the_relaxed_sites_of_its_parent(arm):
    for block in design()[:6]:
        plain, row = block.rows["pristine"], block.rows[arm]
        base = vegard(plain)
        shake = np.random.default_rng(1).normal(0, 0.003, len(base["coords"]))
        base["coords"] = [c + s for c, s in zip(base["coords"], shake)]
        found = in_cell_of(row, plain, base, "chgnet-cell")
        assert found["lattice"] == base["lattice"]
        there = {tuple(c): s for c, s in zip(_triples(base), base["species"])}
        own = dict(zip(_triples(found), found["species"]))
        assert own.keys() <= there.keys()
        changed = [(there[c], own[c]) for c in own if there[c] != own[c]]
        assert len(there) - len(own) == (arm == "vacancy")
        assert sorted(changed) == ([("Li", "Ni"), ("Ni", "Li")] if arm == "antisite" else [])
        distances = to_pymatgen(found).distance_matrix
        assert distances[distances > 0].min() > 1.6


def _triples(row):
    return [tuple(c) for c in np.array(row["coords"]).reshape(-1, 3)]


def test_the_cell_is_scaled_to_another_volume():
    plain = design()[0].rows["pristine"]
    base = vegard(plain)
    found = in_cell_of(plain, plain, base, "chgnet-volume", base | {"volume": 350.0})
    assert found["volume"] == pytest.approx(350.0)
    assert found["coords"] == base["coords"]


def test_digests_of_older_geometries_stay():
    config = load()
    archived = {r["settings"] for r in Archive(config.archive).read(GEOMETRIES)}
    protocols = config.protocols.chgnet
    assert settings_digest(protocols["chgnet"]) in archived
    assert len({settings_digest(protocols[n]) for n in set(ARMS.values())}) == 3


def test_protocols_refuse_what_makes_no_sense():
    with pytest.raises(ValueError, match=r"positive weight of Li, Mn, Co, Ni"):
        FeffProtocol(stoichiometry={"O": 2})
    with pytest.raises(ValueError, match="three positive numbers"):
        FeffProtocol(tolerances=[1e-3, 1e-3])
    with pytest.raises(ValueError, match="relax_cell: false"):
        ChgnetProtocol(cell="parent")


@pytest.mark.parametrize(
    ("blocks_", "expected"),
    [({"lithium": [0.9]}, "0.9 with step 0.2"), ({"converged": "none"}, "converged: no protocol")],
)
def test_a_design_that_does_not_fit_is_refused(blocks_, expected):
    with pytest.raises(ConfigError, match=expected):
        next(drawn(load(user={"nmc": {"blocks": blocks_}})))


@pytest.fixture
def campaign(tmp_path):
    """Two blocks, engine without physics, geometries as if they had been relaxed before."""
    asked = {"nmc": {"engine": "synthetic", "blocks": {"count": 2, "converged_every": 2}}}
    config = load(user=asked | {"archive": str(tmp_path / "empty")})
    for block in drawn(config):
        for row in block.rows.values():
            plain = block.rows["lithium" if row is block.rows["lithium"] else "pristine"]
            if row is plain:
                relaxed(config, tmp_path, block, vegard(plain), "chgnet")
            found = in_cell_of(row, plain, vegard(plain), "chgnet-cell")
            relaxed(config, tmp_path, block, found, "chgnet-cell")
    return config, tmp_path


def relaxed(config, work, block, found, protocol, **more):
    digest = settings_digest(config.protocols.chgnet[protocol])
    names = {"kind": "geometry", "protocol": protocol, "settings": digest}
    row = as_row(found, protocol, np.reshape(found["lattice"], (3, 3)),
                 np.reshape(found["coords"], (-1, 3)))  # fmt: skip
    with Journal(journal_of(work, block)) as journal:
        journal.append({**row, **names, **more})


def spectra_asked(config, block):
    return len(tasks(block, config.nmc.blocks))


def test_whole_blocks_are_exported_once_and_half_ones_are_not(campaign, tmp_path):
    config, work = campaign
    into = tmp_path / "into"
    first, second = drawn(config)
    steps = fill(config, work)
    for _ in range(spectra_asked(config, first) + 3):  # stopped in the middle of the second block
        last, _, _ = next(steps)
    steps.close()
    assert last.number == second.number
    counts = export(config, work, into)
    assert counts["calculations"] == spectra_asked(config, first)
    assert counts["geometries"] == 6  # four arms and the free cells of two parents
    assert "1 whole blocks, 4 arms" in list(status(config, work))[-1]
    assert len(list(fill(config, work))) == spectra_asked(config, second) - 3
    export(config, work, into)
    rows = Archive(into).read(CALCULATIONS)
    assert len(rows) == sum(spectra_asked(config, b) for b in (first, second))
    assert {r["protocol"] for r in rows} == {"campaign", "campaign_converged"}
    assert export(config, work, into) == {"geometries": 0, "spectra": 0, "calculations": 0}


def test_blocks_of_the_archive_are_not_computed_again_without_their_journals(campaign, tmp_path):
    config, work = campaign
    first, second = drawn(config)
    steps = fill(config, work)
    for _ in range(spectra_asked(config, first)):
        next(steps)
    steps.close()
    export(config, work, tmp_path / "empty" / BLOCKS_ARCHIVE)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(journal_of(work, second), journal_of(elsewhere, second))  # its relaxed cells
    numbers = [block.number for block, _, _ in fill(config, elsewhere)]
    assert numbers
    assert first.number not in numbers


def test_spectra_of_a_cell_that_is_not_relaxed_stay_open(campaign, tmp_path):
    config, _ = campaign
    work = tmp_path / "none"
    work.mkdir()
    block = next(drawn(config))
    with Journal(journal_of(work, block)):
        pass
    (found,) = begun(config, work)
    waiting = [i for i in found.items if isinstance(i, Waiting)]
    assert len(waiting) == spectra_asked(config, block)
    assert {i.error_class for i in waiting} == {"geometry_missing"}
    assert not found.whole
    assert list(status(config, work))[-1].startswith("0 whole blocks, 0 arms; ")


@pytest.mark.parametrize(
    ("message", "final"), [("CHGNet: cell exploded", True), ("CHGNet: out of memory", False)]
)
def test_a_block_is_whole_without_a_cell_that_cannot_be_had(campaign, tmp_path, message, final):
    config, work = campaign
    block = next(drawn(config))
    why = {"geometry_id": "", "status": "failed", "error_class": "relaxation_failed"}
    cell = in_cell_of(block.rows["vacancy"], block.rows["pristine"],
                      vegard(block.rows["pristine"]), "chgnet-cell")  # fmt: skip
    relaxed(config, work, block, cell, "chgnet-cell", message=message, **why)
    there = [t for t in tasks(block, config.nmc.blocks)
             if t["structure_id"] != cell["structure_id"]]  # fmt: skip
    (before,) = [b for b in begun(config, work) if b.block.number == block.number]
    waiting = {i.error_class for i in before.items if isinstance(i, Waiting)}
    assert waiting == {"relaxation_failed" if final else "geometry_missing"}
    if final:
        steps = fill(config, work)
        for _ in there:
            next(steps)
        steps.close()
        assert next(begun(config, work)).whole
        counts = export(config, work, tmp_path / "into")
        assert (counts["geometries"], counts["calculations"]) == (5, len(there))
