"""Lithium figure. Input structures, site_averages, lithium (csv).

params.config = JSON with keys lithium_series, protocol (the nmc leaf has them).
"""

import json

from defectra.figures.series import plot_lithium
from defectra.records import SITE_AVERAGES, STRUCTURES
from defectra.settings.nmc import LithiumSeries
from defectra.store import read_table
from defectra.tables.csvs import read_csv
from defectra.tables.lithium import LITHIUM_COLUMNS

config = json.loads(snakemake.params.config)
plot_lithium(
    read_table(snakemake.input.structures, STRUCTURES),
    read_table(snakemake.input.site_averages, SITE_AVERAGES),
    read_csv(snakemake.input.lithium, LITHIUM_COLUMNS),
    LithiumSeries(**config["lithium_series"]),
    config["protocol"],
    snakemake.output[0],
)
