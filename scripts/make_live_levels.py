"""Levels of the live set. Input hosts, cells, corrections, published, sets, sizes.

Output levels, table. params.protocol (of sets), params.dense (of sizes), params.coefficient (of
the modified band alignment).
"""

import json

from defectra.levels.importer import LEVELS
from defectra.levels.live_requests import read_sets
from defectra.levels.live_sets import CORRECTIONS, Tables, hosts_by_name, level_rows
from defectra.levels.live_table import CELL_RUNS, HOST_RUNS, LIVE_LEVELS
from defectra.settings.protocols import GpawLevelsProtocol
from defectra.store import read_table, write_table
from defectra.tables.csvs import write_csv

tables = Tables(
    hosts_by_name(read_table(snakemake.input.hosts, HOST_RUNS)),
    {r["calculation_id"]: r for r in read_table(snakemake.input.cells, CELL_RUNS)},
    {r["calculation_id"]: r for r in read_table(snakemake.input.corrections, CORRECTIONS)},
)
published = {
    ((r["host"], r["site"], r["impurity"]), r["q_from"]): r["level_eV"]
    for r in read_table(snakemake.input.published, LEVELS)
}
coefficient = json.loads(snakemake.params.coefficient)
rows = []
for file, text in (
    (snakemake.input.sets, snakemake.params.protocol),
    (snakemake.input.sizes, snakemake.params.dense),
):
    protocol = GpawLevelsProtocol.model_validate_json(text)
    rows += level_rows(read_sets(file), tables, protocol, coefficient, published)
write_table(snakemake.output.levels, rows, LIVE_LEVELS)
write_csv(snakemake.output.table, rows, LIVE_LEVELS.names)
