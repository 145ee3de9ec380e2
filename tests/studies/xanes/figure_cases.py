"""Rows for the transfer figure of study `xanes`: none, one, two equal, no numbers."""

from __future__ import annotations

from defectra.core.records import Metric
from defectra.studies.xanes import transfer

NUMBERS = {"value": 0.2, "lo": 0.18, "hi": 0.22, "metric": Metric.RELATIVE_RMS}
ROWS = [
    {"model": model, "subset": transfer.subset_of("Ti", "Cu", n), "target": "Cu VASP spectrum",
     "n_train": n, **NUMBERS}
    for model, n in ((transfer.RAW, 0), (transfer.CORRECTION, 5), (transfer.BOTH, 5))
]  # fmt: skip

# Name of the function: rows that it is called with, and all other arguments but the path.
CASES = {"xanes.transfer.plot_transfer": (ROWS, lambda rows: (rows,))}
