"""Fidelity ladder. Input site_averages; params.config = JSON geometry, protocol, ladder."""

import json

from defectra.core.records import SITE_AVERAGES
from defectra.core.store import read_table
from defectra.studies.nmc.figures.lithium import plot_ladder

config = json.loads(snakemake.params.config)
plot_ladder(
    read_table(snakemake.input.site_averages, SITE_AVERAGES),
    config["geometry"],
    config["protocol"],
    config["ladder"],
    snakemake.output[0],
)
