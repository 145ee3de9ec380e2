"""Rows with which every figure of study `stem4d` is drawn."""

from __future__ import annotations

from defectra.studies.stem4d.names import SINGLE, TURNING, Metric
from defectra.studies.stem4d.settings import Stem4dStudy

STUDY = Stem4dStudy()
CASES = {
    "stem4d.maps.plot_latents": (
        [{"sample": "graphene", "model": TURNING, "protocol": "multislice", "x": 1.0, "y": 2.0,
          "values": [0.5, 0.1]}],
        lambda rows: (rows, STUDY),
    ),
    "stem4d.maps.plot_vacancies": (
        [{"target": "mono", "model": TURNING, "metric": str(Metric.AUROC),
          "fidelity": "dose_10000", "subset": SINGLE, "value": 0.8, "lo": 0.7, "hi": 0.9,
          "n_groups": 30}],
        lambda rows: (rows, STUDY),
    ),
}  # fmt: skip
