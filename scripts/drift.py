"""Drift of the engine. Input archive (parts); output drift (parquet).

params.settings = JSON of the worker's settings; params.number; params.seed;
params.archive = folder, as JSON.
"""

import json

from defectra.campaign.drift import check
from defectra.campaign.worker import Settings
from defectra.core.joblog import keep_log
from defectra.core.records import DRIFT
from defectra.core.scratch import use_node_scratch
from defectra.core.store import Archive, write_table
from defectra.core.watchdog import follow_ancestors

keep_log(snakemake.log[0])
follow_ancestors()
use_node_scratch()
rows = check(
    Archive(json.loads(snakemake.params.archive)),
    Settings.model_validate_json(snakemake.params.settings),
    int(snakemake.params.number),
    int(snakemake.params.seed),
)
write_table(snakemake.output[0], rows, DRIFT)
