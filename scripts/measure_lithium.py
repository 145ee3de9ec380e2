"""Lithium series. Input structures, calculations, spectra; output[0] csv.

params.config = JSON with keys lithium_series, protocol, edges, model (the nmc leaf has them);
params.seed = seed.
"""

import json

from defectra.core.csvs import write_csv
from defectra.core.records import CALCULATIONS, SPECTRA, STRUCTURES
from defectra.core.store import read_table
from defectra.studies.nmc.lithium import LITHIUM_COLUMNS, Bootstrap, lithium_rows
from defectra.studies.nmc.settings import Grid, LithiumSeries

config = json.loads(snakemake.params.config)
rows = lithium_rows(
    read_table(snakemake.input.structures, STRUCTURES),
    read_table(snakemake.input.calculations, CALCULATIONS),
    read_table(snakemake.input.spectra, SPECTRA),
    {name: Grid(**grid) for name, grid in config["edges"].items()},
    LithiumSeries(**config["lithium_series"]),
    config["protocol"],
    Bootstrap(config["model"]["bootstrap"], int(snakemake.params.seed)),
)
write_csv(snakemake.output[0], rows, LITHIUM_COLUMNS)
