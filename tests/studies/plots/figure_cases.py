"""Rows that the figures of study `plots` are drawn from in tests/unit/test_figures.py."""

import numpy as np

from defectra.studies.plots.reading import METHODS

RECALL = [
    {"model": method, "subset": subset, "metric": "recall", "value": 0.9, "lo": 0.8, "hi": 1.0}
    for method in METHODS
    for subset in ("1 lines", "3 lines", "1 to 3 lines", "no crossing", "clean", "100 dpi")
]
BLANK = np.full((120, 160, 3), 255, np.uint8)
FRAMED = BLANK.copy()
FRAMED[[20, 100], 20:141] = 0
FRAMED[20:101, [20, 140]] = 0
FRAMED[60:62, 26:134] = (255, 0, 0)
LINE = np.full((1, 160), 60.5, np.float32)
PICTURES = {"one line": FRAMED, "no frame": BLANK}
EXAMPLES = [{"title": title} for title in PICTURES]
CLICKED = [
    {"kind": "point", "line": 1.0, "column": 60.0, "row": 61.0, "away_px": 0.5},
    {"kind": "point", "line": 1.0, "column": 80.0, "row": 61.0, "away_px": float("nan")},
    {"kind": "x number", "line": float("nan"), "column": 60.0, "row": 110.0, "away_px": 0.1},
]
READ = [{"line": 1.0, "column": float(c), "row": 60.5} for c in range(26, 134)]
CASES = {
    "plots.example.plot_example": (CLICKED, lambda rows: (rows, READ, FRAMED.astype(float))),
    "plots.recall.plot_recall": (RECALL, lambda rows: (rows,)),
    "plots.examples.plot_examples": (
        EXAMPLES,
        lambda rows: ([(str(r["title"]), PICTURES[r["title"]], LINE) for r in rows],),
    ),
}
