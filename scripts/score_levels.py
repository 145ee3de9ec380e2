"""Scorecard of levels. Input metrics, alignment, curves, drift, hosts (csv), space, live tables."""

import csv
from pathlib import Path

from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import METRICS_COLUMNS, SCORECARD_COLUMNS
from defectra.core.store import read_table
from defectra.defects.alignment import ALIGNMENT_COLUMNS
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.learning_curves import CURVE_COLUMNS
from defectra.studies.levels.scorecard import scorecard
from defectra.studies.levels.scorecard_computed import live_claims
from defectra.studies.levels.tables import HOST_RUNS, LIVE_LEVELS
from defectra.studies.levels.whole_space import SPACE

rows = scorecard(
    read_csv(snakemake.input.metrics, METRICS_COLUMNS),
    read_csv(snakemake.input.alignment, ALIGNMENT_COLUMNS),
    read_csv(snakemake.input.curves, CURVE_COLUMNS),
    read_table(snakemake.input.space, SPACE),
)
with Path(snakemake.input.drift).open(encoding="utf-8", newline="") as handle:
    drift = list(csv.DictReader(handle))
rows += live_claims(
    read_table(snakemake.input.live, LIVE_LEVELS),
    read_table(snakemake.input.live_hosts, HOST_RUNS),
    read_hosts(snakemake.input.hosts, kinds=("literature",)),
    drift,
)
write_csv(snakemake.output[0], rows, SCORECARD_COLUMNS)
