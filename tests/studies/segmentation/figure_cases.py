"""Rows with which each figure of study `segmentation` is drawn: none, one, equal, no numbers."""

from __future__ import annotations

import numpy as np

FRACTION = {
    "seed": 0, "model": "EA", "condition": "usual", "movie": "test-000", "frame": 0,
    "truth": 0.5, "fraction": 0.45, "lo": 0.4, "hi": 0.6, "accuracy": 0.9,
    "entropy": 0.2, "disagreement": 0.1, "thinning": 0.02,
    "expected error": 0.1, "few electrons": -9.0,
}  # fmt: skip
METRIC = {
    "condition": "usual", "model": "EA", "metric": "accuracy", "value": 0.9, "lo": 0.8, "hi": 0.95,
    "n_frames": 4, "n_movies": 2,
}  # fmt: skip


def shown(rows: list[dict]) -> dict[str, np.ndarray]:
    """Three frames of a condition for each row."""
    frames = np.zeros((3, 8, 8), np.float32)
    names = {str(r["condition"]) for r in rows}
    return {f"{n}{part}": frames for n in names for part in ("", "/truth", "/EA")}


# Name of the function: rows that it is called with, and all other arguments but the path.
CASES = {
    "segmentation.scores.plot_scores": ([METRIC], lambda rows: (rows,)),
    "segmentation.frames.plot_fractions": ([FRACTION], lambda rows: (rows,)),
    "segmentation.frames.plot_frames": ([FRACTION], lambda rows: (shown(rows),)),
}
