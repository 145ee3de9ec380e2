"""Fidelity ladder. Input site_averages; params.config = JSON geometry, protocol, ladder."""

import json

from defectra.figures.series import plot_ladder
from defectra.records import SITE_AVERAGES
from defectra.store import read_table

config = json.loads(snakemake.params.config)
plot_ladder(
    read_table(snakemake.input.site_averages, SITE_AVERAGES),
    config["geometry"],
    config["protocol"],
    config["ladder"],
    snakemake.output[0],
)
