"""Scorecard of levels. Input metrics, alignment, curves, drift, hosts (csv), space, live tables."""

import csv
from pathlib import Path

from defectra.levels.alignment import ALIGNMENT_COLUMNS
from defectra.levels.hosts import read_hosts
from defectra.levels.live_table import HOST_RUNS, LIVE_LEVELS
from defectra.models.learning_curves import CURVE_COLUMNS
from defectra.models.whole_space import SPACE
from defectra.records import METRICS_COLUMNS, SCORECARD_COLUMNS
from defectra.store import read_table
from defectra.tables.csvs import read_csv, write_csv
from defectra.tables.score_levels import scorecard
from defectra.tables.score_live import live_claims

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
