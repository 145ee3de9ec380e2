"""Training table. Input structures, site_averages; output training, left_out (csv).

params.config = JSON with keys geometry, protocol, edges (the nmc leaf has them);
params.config_hash = hash of the resolved config.
"""

import json

from defectra.core.csvs import write_csv
from defectra.studies.nmc.training import LEFT_OUT_COLUMNS, write_training

config = json.loads(snakemake.params.config)
left_out = write_training(
    snakemake.output.training,
    snakemake.input.structures,
    snakemake.input.site_averages,
    (config["geometry"], config["protocol"]),
    list(config["edges"]),
    snakemake.params.config_hash,
)
write_csv(snakemake.output.left_out, left_out, LEFT_OUT_COLUMNS)
