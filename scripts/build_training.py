"""Training table. Input structures, site_averages; output training, left_out (csv).

params.config = JSON with keys geometry, protocol, edges (the nmc leaf has them);
params.config_hash = hash of the resolved config.
"""

import json

from defectra.records import SITE_AVERAGES, STRUCTURES
from defectra.store import read_table, write_table
from defectra.tables.csvs import write_csv
from defectra.tables.training import LEFT_OUT_COLUMNS, build, select, training_table

config = json.loads(snakemake.params.config)
averages = read_table(snakemake.input.site_averages, SITE_AVERAGES)
rows, left_out = build(
    read_table(snakemake.input.structures, STRUCTURES),
    select(averages, config["geometry"], config["protocol"]),
    list(config["edges"]),
    snakemake.params.config_hash,
)
write_table(snakemake.output.training, rows, training_table(config["edges"]))
write_csv(snakemake.output.left_out, left_out, LEFT_OUT_COLUMNS)
