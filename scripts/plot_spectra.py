"""Spectra figure. Input structures, site_averages.

params.config = JSON with keys geometry, protocol, edges (the nmc leaf has them).
"""

import json

from defectra.core.records import SITE_AVERAGES, STRUCTURES
from defectra.core.store import read_table
from defectra.studies.nmc.figures.models import plot_spectra
from defectra.studies.nmc.training import select

config = json.loads(snakemake.params.config)
averages = read_table(snakemake.input.site_averages, SITE_AVERAGES)
plot_spectra(
    read_table(snakemake.input.structures, STRUCTURES),
    select(averages, config["geometry"], config["protocol"]),
    list(config["edges"]),
    snakemake.output[0],
)
