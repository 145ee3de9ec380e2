"""FEFF to VASP. Input lists and tables of both; output pairs (parquet), metrics (csv).

params.config = leaf xanes; params.seed = seed; params.mirror = folder of the published data.
"""

import json
from pathlib import Path

from defectra.core.csvs import write_csv
from defectra.core.datasets import located
from defectra.core.records import METRICS_COLUMNS
from defectra.core.store import write_table
from defectra.studies.xanes.delta import PAIRS, delta_metrics, hold_out
from defectra.studies.xanes.omnixas import read_spectra
from defectra.studies.xanes.settings import XanesStudy

mirror = Path(snakemake.params.mirror)
study, seed = XanesStudy(**json.loads(snakemake.params.config)), int(snakemake.params.seed)
found = {}
for element in ("Ti", "Cu"):
    for engine in ("FEFF", "VASP"):
        files = [
            [p for p in located(snakemake.input[k], mirror) if f"{element}_{engine}_" in p.name]
            for k in ("lists", "tables")
        ]
        found[element, engine] = read_spectra(*files)
rows = [
    row
    for element in ("Ti", "Cu")
    for row in hold_out(element, found[element, "FEFF"], found[element, "VASP"], study, seed)
]
write_table(snakemake.output.pairs, rows, PAIRS)
write_csv(snakemake.output.metrics, delta_metrics(rows, study, seed), METRICS_COLUMNS)
