"""Models of one label. Input compounds, runs (parquet), references, ions (csv).

Output metrics (csv), predictions (parquet).

wildcards.label = label; params.config = leaf perovskites; params.seed = seed.
"""

import json

from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import METRICS_COLUMNS
from defectra.core.store import read_table, write_table
from defectra.studies.perovskites.descriptors import ions_from_rows
from defectra.studies.perovskites.evaluate import evaluate
from defectra.studies.perovskites.settings import PerovskiteStudy
from defectra.studies.perovskites.tables import (
    COMPOUNDS,
    IONS_COLUMNS,
    PREDICTIONS,
    REFERENCES_COLUMNS,
    RUNS,
)

metrics, predictions = evaluate(
    snakemake.wildcards.label,
    read_table(snakemake.input.compounds, COMPOUNDS),
    read_csv(snakemake.input.references, REFERENCES_COLUMNS),
    ions_from_rows(read_csv(snakemake.input.ions, IONS_COLUMNS)),
    PerovskiteStudy(**json.loads(snakemake.params.config)),
    int(snakemake.params.seed),
    read_table(snakemake.input.runs, RUNS),
)
write_csv(snakemake.output.metrics, metrics, METRICS_COLUMNS)
write_table(snakemake.output.predictions, predictions, PREDICTIONS)
