"""What the text of the rules must say, since rule inheritance does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from defectra.core.paths import WORKFLOW

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
