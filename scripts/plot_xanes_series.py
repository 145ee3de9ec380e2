"""Measured series and importance. Input series, importance (csv); output both (png)."""

from defectra.core.csvs import read_csv
from defectra.studies.xanes.figures.series import plot_importance, plot_series
from defectra.studies.xanes.series import IMPORTANCE_COLUMNS, SERIES_COLUMNS

plot_series(read_csv(snakemake.input.series, SERIES_COLUMNS), snakemake.output.series)
looked = read_csv(snakemake.input.importance, IMPORTANCE_COLUMNS)
plot_importance(looked, snakemake.output.importance)
