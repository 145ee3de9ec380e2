"""Rows from which figures of the campaign by blocks are drawn in the tests of all figures."""

from __future__ import annotations

import math

from defectra.core.records import Metric, Split
from defectra.studies.nmc.blocks import statistics, strata
from defectra.studies.nmc.blocks.curves import EXPECTED, EXPONENT

METRIC = {
    "unit": "", "value": 0.4, "lo": 0.3, "hi": 0.5, "n_test": 10.0, "n_train": 9, "model": "kernel",
    "n_groups": 12.0, "split": Split.GROUPED,
}  # fmt: skip
DEFECT = METRIC | {"target": "vacancy", "subset": "blocks: vacancy against pristine"}
ERROR = METRIC | {"target": "x_Li", "subset": "blocks: all arms", "metric": Metric.RMSE}
LAW = {
    "target": "x_Li", "subset": "blocks: all arms", "metric": Metric.RMSE, "at": 9.0, "value": 0.1,
    "lo": 0.05, "hi": 0.2, "aim": 0.06, "n_sizes": 3.0, "n": 12.0,
}  # fmt: skip
PREDICTED = {
    "features": "shape: all", "split": str(Split.GROUPED), "target": "x_Ni", "repeat": 0,
    "model": "kernel", "structure_id": "s", "prediction": 0.1, "truth": 0.3,
}  # fmt: skip
ROW = {"protocol": "campaign", "edge": "O K", "arm": "vacancy", "composition": "all",
       "lithium": math.nan, "value": 12.0, "lo": 11.0, "hi": 13.0, "unit": "s",
       "n": 3.0}  # fmt: skip
COVERED = ROW | {"quantity": statistics.WHOLE, "composition": "Ni6Mn2Co2", "lithium": 0.4}
WON = {"defect": "vacancy", "edges": "Mn K", "value": 0.9, "lo": 0.8, "hi": 0.95, "n": 9.0}
CASES = {
    "nmc.blocks.plot_parity": (
        [PREDICTED],
        lambda rows: (rows, [{"structure_id": "s", "arm": "vacancy", "block": 0}],
                      [ERROR | {"target": "x_Ni", "features": "shape: all"}]),
    ),
    "nmc.gains.plot_gains": (
        [DEFECT | {"features": f"shape: {name}", "metric": metric}
         for name in ("O K", "all", "all minus O K") for metric in (Metric.AUROC, Metric.WIN_RATE)],
        lambda rows: (rows,),
    ),
    "nmc.curves.plot_curves": (
        [*(ERROR | {"features": f, "curve": "jitter", "at": at}
           for f in ("shape: all", "shape: O K") for at in (0.0, 0.5)),
         *(ERROR | {"features": "shape: all", "curve": "learning", "at": at} for at in (3.0, 9.0))],
        lambda rows: (rows, [LAW | {"quantity": q} for q in (EXPECTED, EXPONENT)] if rows else []),
    ),
    "nmc.campaign.plot_campaign": (
        [COVERED | {"value": 1.0, "n": 2.0},
         ROW | {"quantity": statistics.OF_ONE},
         ROW | {"quantity": "failed", "arm": "all"},
         ROW | {"quantity": statistics.MISSING, "protocol": "all"}],
        lambda rows: (rows,),
    ),
    "nmc.strata.plot_strata": (
        [WON | {"stratum": strata.next_to("Mn")},
         WON | {"stratum": strata.EVERY, "edges": "all"},
         WON | {"stratum": strata.OWN, "edges": strata.METAL_EDGES}],
        lambda rows: (rows,),
    ),
}  # fmt: skip
