"""Scorecard of levels. Input metrics, alignment, curves (csv), space (parquet); output csv."""

from defectra.levels.alignment import ALIGNMENT_COLUMNS
from defectra.models.learning_curves import CURVE_COLUMNS
from defectra.models.whole_space import SPACE
from defectra.records import METRICS_COLUMNS, SCORECARD_COLUMNS
from defectra.store import read_table
from defectra.tables.csvs import read_csv, write_csv
from defectra.tables.score_levels import scorecard

rows = scorecard(
    read_csv(snakemake.input.metrics, METRICS_COLUMNS),
    read_csv(snakemake.input.alignment, ALIGNMENT_COLUMNS),
    read_csv(snakemake.input.curves, CURVE_COLUMNS),
    read_table(snakemake.input.space, SPACE),
)
write_csv(snakemake.output[0], rows, SCORECARD_COLUMNS)
