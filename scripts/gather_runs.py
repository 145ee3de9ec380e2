"""Our calculations of pure perovskites. Output runs (parquet) and table (csv).

params.config = what decides the calculations; params.archive = its folder, as JSON.
"""

import json

from defectra.core.csvs import write_csv
from defectra.core.protocols import GpawProtocol
from defectra.core.store import Archive, write_table
from defectra.studies.perovskites.campaign import WORK, Campaign, rows_of
from defectra.studies.perovskites.tables import RUNS, RUNS_COLUMNS

asked = json.loads(snakemake.params.config)
protocol = (asked["name"], GpawProtocol(**asked["protocol"]))
campaign = Campaign(protocol, WORK, Archive(json.loads(snakemake.params.archive)))
rows = rows_of(campaign, int(snakemake.params.seed))
write_table(snakemake.output.runs, rows, RUNS)
write_csv(snakemake.output.table, [{k: r[k] for k in RUNS_COLUMNS} for r in rows], RUNS_COLUMNS)
