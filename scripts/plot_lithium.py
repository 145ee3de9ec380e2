"""Lithium figure. Input structures, site_averages, lithium (csv).

params.config = JSON with keys lithium_series, protocol (the nmc leaf has them).
"""

import json

from defectra.core.csvs import read_csv
from defectra.core.records import SITE_AVERAGES, STRUCTURES
from defectra.core.store import read_table
from defectra.studies.nmc.figures.lithium import plot_lithium
from defectra.studies.nmc.lithium import LITHIUM_COLUMNS
from defectra.studies.nmc.settings import LithiumSeries

config = json.loads(snakemake.params.config)
plot_lithium(
    read_table(snakemake.input.structures, STRUCTURES),
    read_table(snakemake.input.site_averages, SITE_AVERAGES),
    read_csv(snakemake.input.lithium, LITHIUM_COLUMNS),
    LithiumSeries(**config["lithium_series"]),
    config["protocol"],
    snakemake.output[0],
)
