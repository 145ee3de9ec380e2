"""What the text of the rules must say, since rule inheritance does not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from defectra.core import fingerprint as fp
from defectra.core.config import leaf, load
from defectra.core.paths import WORKFLOW
from defectra.core.studies import study_names

RULE = re.compile(r"^use rule step as (\w+) with:\n((?:    .*\n|\n(?=    ))*)", re.MULTILINE)
FILES = sorted(WORKFLOW.rglob("*.smk"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_figures_and_scores_are_no_jobs_of_a_cluster(path: Path) -> None:
    """`localrule` is not inherited (Snakemake 9.27): each light rule says it."""
    found = dict(RULE.findall(path.read_text(encoding="utf-8")))
    light = {n for n in found if n.startswith(("plot_", "score")) or n == "collect_scores"}
    assert [n for n in sorted(light) if "    localrule: True\n" not in found[n]] == []


def test_rules_are_found() -> None:
    assert sum(len(RULE.findall(path.read_text(encoding="utf-8"))) for path in FILES) > 50


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.name == "rules.smk"], ids=lambda path: path.parent.name
)
def test_every_figure_of_a_study_is_asked_for(path: Path) -> None:
    """A rule that draws a figure nobody asks for would never run."""
    study = path.parent.name
    text = "\n".join(p.read_text(encoding="utf-8") for p in sorted(path.parent.glob("*.smk")))
    target = re.search(rf"^rule {study}:\n((?:    .*\n|\n(?=    ))*)", text, re.MULTILINE)
    assert target is not None
    wanted = target[1]
    for rule, body in RULE.findall(text):
        for name in re.findall(rf'"results/{study}/figures/(\w+)\.png"', body):
            words = {
                f'figures/{name}.png"',
                f'"{name}"',
                f'"{name.partition("_")[2]}"',
                f"rules.{rule}.output",
            }
            assert any(word in wanted for word in words), f"{rule}: {name}.png"


SPARED = re.compile(
    r"use rule step as (\w+) with:(?:(?!use rule).)*?without=\[\"bootstrap\"\]", re.S
)
STEP = re.compile(r"\*\*step\(\s*\"(defectra[\w.]+)\.(\w+)\"")
# They take a type, or one function, of a module that scores; read by eye.
_TAKE_A_TYPE = {"learn_symmetry", "train_levels", "predict_levels"}


def test_shards_are_no_part_of_what_a_rule_carries() -> None:
    """Jobs that calculations are dealt into: a training is not repeated for another number."""
    more = {study: {"shards": 9} for study in ("segmentation", "hbn", "nmc", "perovskites")}
    deep = {"levels": {"live": {"shards": 9}}, "xanes": {"ladder": {"shards": 9}}}
    one, other = load(), load(user={**more, **deep})
    assert one != other
    for study in study_names():
        assert leaf(one, study) == leaf(other, study)
    assert leaf(one, "nmc", "shards") != leaf(other, "nmc", "shards"), "asked for by name"


def test_a_step_that_does_not_resample_is_not_repeated_for_the_number_of_resamples() -> None:
    one, other = load(), load(user={"speckle": {"bootstrap": 77, "width": 300}})
    assert '"bootstrap"' not in leaf(one, "speckle", without=["bootstrap"])
    assert leaf(one, "speckle", without=["bootstrap"]) != leaf(
        other, "speckle", without=["bootstrap"]
    )
    spared: dict[str, str] = {}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for rule in SPARED.finditer(text):
            spared |= {name: module for module, name in STEP.findall(rule[0])}
    assert {"fit_scan", "train_segmentation", "learn_speckle", "leave_out_xrd"} <= set(spared)
    for name, module in spared.items():
        start = fp._start(module, fp.ROOT)
        read = fp._closure(fp._parse_function(start, name)[1], start, fp.ROOT)
        own = "".join(ast.unparse(part) for part in fp._used(start, name))
        texts = [own, *(p.read_text(encoding="utf-8") for p in read)]
        resamples = any(re.search(r"\.bootstrap\b", text) for text in texts)
        assert not resamples or name in _TAKE_A_TYPE, name
