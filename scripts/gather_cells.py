"""Reference phases, mixed cells and vacancies of our own. Output cells (parquet), table (csv).

params.config = what decides the calculations; params.archive = its folder, as JSON.
"""

import json

from defectra.core.csvs import write_csv
from defectra.core.protocols import GpawProtocol
from defectra.core.store import Archive, write_table
from defectra.studies.perovskites.campaign import WORK, Campaign, cells_of
from defectra.studies.perovskites.cells import CELLS, COLUMNS

asked = json.loads(snakemake.params.config)
protocol = (asked["name"], GpawProtocol(**asked["protocol"]))
archive = Archive(json.loads(snakemake.params.archive))
rows = cells_of(Campaign(protocol, WORK, archive), archive).rows()
write_table(snakemake.output.cells, rows, CELLS)
write_csv(snakemake.output.table, [{k: r[k] for k in COLUMNS} for r in rows], COLUMNS)
