"""What each change reruns: what the tests of reruns assert, and the table of docs/workflow.md.

``python -m tests.reruns.changes`` writes the table anew; a test compares it with these rows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

# Each group holds a step and all that follows from it. Where a rule carries the whole leaf of its
# study (`levels`, `levels.live`, `xanes`), a key of another step of the study reruns it too.
REPORT = {"make_report"}  # shows all of them
LEVEL_FIGURES = {
    f"plot_level_{n}" for n in ("coverage", "errors", "gap", "map", "published", "diagrams")
}
LEVEL_SCORES = {"score_levels", "collect_scores"}
LEVEL_MODELS = {
    *("evaluate_levels", "train_levels", "predict_levels", "simulate_levels"),
    *LEVEL_FIGURES,
}
LEVELS_LEAF = {"align_levels"} | LEVEL_MODELS | LEVEL_SCORES
LIVE_TABLES = {"make_live_levels", "explain_parity", "plot_live_levels", "plot_level_sizes"}
HYBRIDS = {"compare_hybrid_levels", "plot_hybrid_levels"}
LIVE = {"run_levels", "make_formation"} | LIVE_TABLES | HYBRIDS | LEVEL_MODELS | LEVEL_SCORES
XANES_SCORES = {"gather_xanes", "plot_xanes_features", "score_xanes", "collect_scores"}
DELTA = {"learn_delta", "plot_xanes_delta"} | XANES_SCORES
XANES_LEAF = DELTA | {
    *("compare_features", "measure_nickel", "plot_xanes_series"),
    *("build_ladder", "plot_xanes_ladder"),
}
PEROVSKITE_SCORES = {"score_perovskites", "collect_scores"}
PEROVSKITE_MODELS = {
    *("evaluate_perovskites", "gather_perovskites"),
    *("plot_perovskite_errors", "plot_perovskite_parity"),
    *("learn_measured", "plot_perovskite_ladder", "plot_perovskite_coverage"),
}
PEROVSKITE_FIGURES = {
    f"plot_perovskite_{n}" for n in ("errors", "fidelity", "parity", "references", "screen")
}

KEYS: list[tuple[str, Any, set[str]]] = [
    ("levels.diagrams", {"CdTe": ["Cu"]}, LEVELS_LEAF),
    ("levels.live.recompute", [], LIVE | LEVELS_LEAF),
    ("levels.native_defects", False, {"build_levels"} | LIVE_TABLES | LEVELS_LEAF),
    ("xanes.delta.components", 11, XANES_LEAF),
    ("perovskites.fidelity.draws", 2, {"measure_fidelity", "plot_perovskite_fidelity"}),
    (
        "perovskites.screen.probability",
        0.4,
        {"screen_perovskites", "plot_perovskite_screen", "compare_predictions"} | PEROVSKITE_SCORES,
    ),
    ("perovskites.bootstrap", 999, PEROVSKITE_MODELS | PEROVSKITE_SCORES),
    (
        "nmc.model.trees",
        6,
        {"evaluate", "plot_parity", "plot_edges", "measure_lithium", "plot_lithium"}
        | {"score", "collect_scores"},
    ),
]

MODULES: list[tuple[str, set[str]]] = [
    ("studies/levels/evaluate.py", LEVEL_MODELS | LEVEL_SCORES),
    ("studies/levels/calculations.py", LIVE),
    ("studies/perovskites/slme.py", {"measure_slme"} | PEROVSKITE_SCORES),
    ("studies/xanes/delta.py", DELTA),
    ("studies/perovskites/figures/models.py", PEROVSKITE_FIGURES),
]

DOCS = Path(__file__).resolve().parents[2] / "docs" / "workflow.md"
BEGIN, END = "<!-- what tests/reruns/changes.py asserts -->", "<!-- end -->"


def table() -> str:
    """The rows in Markdown: change, rules."""
    keys = [(f"config key `{key}`", rules) for key, _, rules in KEYS]
    modules = [(f"code of `{module}`", rules) for module, rules in MODULES]
    lines = ["| change | rules that run again, and `make_report` |", "| --- | --- |"]
    lines += [f"| {what} | {', '.join(sorted(rules))} |" for what, rules in keys + modules]
    return "\n".join(lines)


def in_docs(text: str) -> str:
    """Text of the page with the table of today."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda found: f"{BEGIN}\n{table()}\n{END}", text)


if __name__ == "__main__":
    DOCS.write_text(in_docs(DOCS.read_text(encoding="utf-8")), encoding="utf-8")
