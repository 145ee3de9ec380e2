"""Levels of VASP runs made elsewhere. Output levels, left_out (csv).

params.parsed = folders with host and dielectric tensor, params.coefficient.
"""

import json
from pathlib import Path

import numpy as np

from defectra.core.csvs import write_csv
from defectra.core.joblog import keep_log
from defectra.defects.vasp_runs import levels_of_folder
from defectra.studies.levels.tables import LIVE_LEVELS

keep_log(snakemake.log[0])
rows, left_out = [], []
for entry in json.loads(snakemake.params.parsed):
    made, out = levels_of_folder(
        Path(entry["folder"]),
        entry["host"],
        np.reshape(entry["dielectric"], (3, 3)),
        json.loads(snakemake.params.coefficient),
    )
    rows += made
    left_out += out
write_csv(snakemake.output.levels, rows, LIVE_LEVELS.names)
write_csv(snakemake.output.left_out, left_out, ["source", "reason"])
