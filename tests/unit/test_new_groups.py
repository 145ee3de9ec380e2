"""Intervals for rows of new groups: planted offsets of groups, and words where none is known."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from defectra.cli.main import main
from defectra.learn.new_groups import caution, fewest_groups, half_width


def coverage(groups: int, rows: int, over_groups: bool, draws: int = 300) -> float:
    """Share of rows of new groups within a half width; every group has an offset of its own."""
    generator = np.random.default_rng(groups)
    held = []
    for _ in range(draws):
        errors = np.abs(generator.normal(size=(groups + 1, 1))
                        + 0.05 * generator.normal(size=(groups + 1, rows)))  # fmt: skip
        count = groups if over_groups else groups * rows
        names = [str(k * count // (groups * rows)) for k in range(groups * rows)]
        held.append((errors[-1] <= half_width(errors[:-1].ravel(), names)).mean())
    return float(np.mean(held))


@pytest.mark.parametrize("groups", [9, 12, 30])
def test_rows_of_a_new_group_with_an_offset_are_held(groups: int) -> None:
    assert 0.87 < coverage(groups, 25, over_groups=True) < 0.97


def test_counting_rows_holds_too_few() -> None:
    assert coverage(4, 25, over_groups=False) < 0.85


def test_rows_that_are_groups_give_the_split_conformal_rank() -> None:
    errors = np.arange(1.0, 101.0)
    assert half_width(errors, [str(k) for k in range(100)]) == 91.0
    assert half_width(errors[:9], list("abcdefghi")) == 9.0


def test_a_large_group_weighs_as_much_as_a_small_one() -> None:
    errors = np.concatenate([np.full(1000, 0.1), np.full(9, 1.0)])
    assert half_width(errors, ["large"] * 1000 + [str(k) for k in range(9)]) == 1.0


def test_too_few_groups_have_none_and_are_told() -> None:
    assert fewest_groups(0.9) == 9
    assert fewest_groups(0.5) == 1
    assert math.isnan(half_width(np.ones(800), [str(k % 8) for k in range(800)]))
    assert "fewer than 9 groups" in caution(float("nan"), over_groups=True)
    assert "counts rows" in caution(0.2, over_groups=False)
    assert caution(0.2, over_groups=True) == ""


def table(path: Path, groups: int) -> Path:
    draw = np.random.default_rng(1)
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["family", "a", "y"])
        for k in range(8 * groups):
            a = draw.uniform(-2, 2)
            writer.writerow([f"f{k % groups}", a, a * a])
    return path


@pytest.mark.parametrize(("groups", "known"), [(5, False), (12, True)])
def test_the_command_says_what_few_groups_do_not_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], groups: int, known: bool
) -> None:
    path, model = table(tmp_path / "t.csv", groups), tmp_path / "m.npz"
    words = ["--target", "y", "--group", "family", "--trees", "5", "--out", str(model)]
    assert main(["train", str(path), *words]) == 0
    told = capsys.readouterr().out
    assert ("by bootstrap over groups" in told) == known
    assert (f"of Student's t over {groups} groups" in told) != known
    assert ("holds 90 % of rows" in told) == known
    assert ("no interval: trained on fewer than 9 groups" in told) != known
    assert main(["predict", str(model), str(path)]) == int(not known)
    told = capsys.readouterr().out
    assert ("±" in told) == known
    assert ("; no interval" in told) != known
    assert "counts rows" not in told
    with np.load(model, allow_pickle=False) as data:
        arrays = dict(data)
    head = json.loads(str(arrays["about"]))
    del head["over_groups"]
    np.savez(model, **{**arrays, "about": np.array(json.dumps(head | {"half": 0.1}))})
    main(["predict", str(model), str(path)])
    assert "the interval counts rows, not groups" in capsys.readouterr().out
