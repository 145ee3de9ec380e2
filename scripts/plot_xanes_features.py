"""Figures of the features. Input metrics (csv); output features, decay (png)."""

from defectra.figures.xanes import plot_decay, plot_features
from defectra.records import METRICS_COLUMNS
from defectra.tables.csvs import read_csv

rows = read_csv(snakemake.input.metrics, METRICS_COLUMNS)
plot_features(rows, snakemake.output.features)
plot_decay(rows, snakemake.output.decay)
