"""The saved model of levels: kinds, learnt hosts, the whole space, what to compute next."""

from dataclasses import replace

import numpy as np
import pytest

from defectra.studies.levels import learnt_kernel
from defectra.studies.levels.features import flat_ladder
from defectra.studies.levels.intervals import Width
from defectra.studies.levels.saved import KIND, load
from defectra.studies.levels.settings import Acquisition
from defectra.studies.levels.whole_space import next_runs, predict_space, read_predictions


def test_a_saved_model_answers_as_before_and_nothing_else_is_taken_for_one(model, hosts, tmp_path):
    from defectra.core.errors import DataError

    model.save(tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    keys = [("ZnS", "M_A", "Ag"), ("CdTe", "M_A", "Cu")]
    before, after = model.predict(keys, hosts), again.predict(keys, hosts)
    np.testing.assert_allclose(before.value, after.value)
    np.testing.assert_allclose(before.half, after.half)
    assert after.distance[1] == pytest.approx(0.0, abs=1e-9)
    assert after.distance[0] > 0
    np.savez(tmp_path / "other.npz", about=np.array("{}"))
    with pytest.raises(DataError, match="no model of levels"):
        load(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("defectra levels 2", "its intervals do not hold in learnt hosts"),
        ("defectra levels 3", "its conduction bands count one neighbour in place of four"),
    ],
)
def test_a_model_of_an_older_kind_is_refused_with_the_reason(model, tmp_path, kind, why):
    from defectra.core.errors import DataError

    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as arrays:
        old = dict(arrays)
    about = str(old["about"]).replace(KIND, kind)
    np.savez(tmp_path / "old.npz", **(old | {"about": np.array(about)}))
    with pytest.raises(DataError, match=rf"{why}.*`make levels` makes one"):
        load(tmp_path / "old.npz")


def test_a_learnt_host_has_a_width_of_its_own_and_a_learnt_defect_none(model, hosts):
    new, learnt = Width(np.log(0.5), 0.0, 1.0), Width(np.log(2.0), 0.0, 0.0)
    changed = replace(model, width=new, width_learnt=learnt)
    near = {h: dict(p) for h, p in hosts.items()}
    near["CdTe"]["gap"] += 1e-3
    keys = [("CdTe", "M_A", "Ag"), ("CdTe", "M_A", "Cu"), ("BN", "M_A", "Ag")]
    found = changed.predict(keys, hosts)
    assert found.known.tolist() == [False, True, False]
    assert found.learnt_host.tolist() == [True, True, False]
    assert found.half[0] == pytest.approx(2.0)
    assert np.isnan(found.half[1]).all()
    assert found.half[2] == pytest.approx(max(2.0, 0.5 * np.exp(found.distance[2])))
    beside = changed.predict(keys[:2], near)
    assert not beside.learnt_host.any()
    assert beside.half == pytest.approx(2.0)  # not narrower than in the learnt host


def without_rows(model, kept):
    keys = [model.keys[k] for k in kept]
    changes = {"keys": keys, "labels": model.labels[kept], "scored": model.scored[kept]}
    return replace(model, **changes, width=Width(0.0, 1.0, 0.0))


def test_the_saved_model_is_the_left_out_answer_of_a_host_it_never_had(world, hosts, model):
    """Trained without GaAs, the closed form of a whole fit and the saved model agree."""
    kept = [k for k, key in enumerate(world.keys) if key[0] != "GaAs"]
    part = without_rows(model, kept)
    tails = learnt_kernel.Tails(np.array(kept), model.degrees)
    suspect = flat_ladder(model.labels)
    fitted = learnt_kernel.fit(model.rows(), model.labels, model.kernel, suspect, tails)
    own = np.setdiff1d(np.arange(len(world.keys)), kept)
    keys = [world.keys[k] for k in own]
    np.testing.assert_allclose(part.predict(keys, hosts).value, fitted.without(own)[0], atol=1e-6)


def space_of(model, hosts):
    keys = [
        ("CdTe", "M_A", "Cu"),
        ("CdTe", "M_A", "Ag"),
        ("Sn", "M_A", "Ag"),
        ("ZnSe", "M_A", "Fe"),
    ]
    return predict_space(model, hosts, {"krr": {k: [0.0] * 6 for k in keys}})


def test_whole_space_has_intervals_and_the_published_beside(world, hosts, model):
    space = space_of(model, hosts)
    assert len(space) == 24
    known = [r for r in space if r["impurity"] == "Cu"]
    assert [r for r in space if r["learnt"]] == known
    for r in space:
        if r["learnt"]:  # a fit to its own label
            assert np.isnan([r["lo_eV"], r["hi_eV"]]).all()
        else:
            assert r["lo_eV"] < r["level_eV"] < r["hi_eV"]
    assert [r["published_eV"] for r in known] == world.labels[
        world.keys.index(("CdTe", "M_A", "Cu"))
    ].tolist()
    assert {r["place"] for r in space if r["host"] == "Sn"} == {"host without a gap"}


def test_what_to_compute_next_leaves_out_the_known_and_ranks_by_gain_per_cost(model, hosts):
    ranked = next_runs(space_of(model, hosts), hosts, Acquisition(count=10))
    names = [(r["host"], r["impurity"]) for r in ranked]
    assert ("CdTe", "Cu") not in names  # computed already
    assert ("Sn", "Ag") not in names  # no gap
    assert set(names) == {("CdTe", "Ag"), ("ZnSe", "Fe")}
    values = [r["gain_per_cost"] for r in ranked]
    assert values == sorted(values, reverse=True)
    costly = next(r for r in ranked if r["impurity"] == "Fe")
    assert costly["cost_s"] > 0
    assert [r["rank"] for r in ranked] == [1, 2]
    assert all(len(r["charges"].split()) >= 2 for r in ranked)  # a level takes two charges


def test_published_predictions_are_checked(tmp_path):
    from defectra.core.errors import TableError

    heads = "AB,Site,M,(+3/+2),(+2/+1),(+1/0),(0/-1),(-1/-2),(-2/-3)\n"
    row = "GaAs,M_A,Cu,0,1,2,3,4,5\n"
    (tmp_path / "p.csv").write_text(heads + row)
    assert read_predictions(tmp_path / "p.csv")["GaAs", "M_A", "Cu"] == [0, 1, 2, 3, 4, 5]
    (tmp_path / "q.csv").write_text(heads + row + row)
    with pytest.raises(TableError, match="twice"):
        read_predictions(tmp_path / "q.csv")
