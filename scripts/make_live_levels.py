"""Levels of the live set. Input hosts, cells, corrections, published, sets, properties.

Output levels, table. params.protocols (by name), params.coefficient (of the modified band
alignment).
"""

import json

from defectra.core.csvs import write_csv
from defectra.core.protocols import read_level_protocols
from defectra.core.store import read_table, write_table
from defectra.studies.levels.hosts import read_hosts, static_ratios
from defectra.studies.levels.published import LEVELS
from defectra.studies.levels.requests import read_sets
from defectra.studies.levels.sets import CORRECTIONS, Tables, hosts_by_name, level_rows
from defectra.studies.levels.tables import CELL_RUNS, HOST_RUNS, LIVE_LEVELS

tables = Tables(
    hosts_by_name(read_table(snakemake.input.hosts, HOST_RUNS)),
    {r["calculation_id"]: r for r in read_table(snakemake.input.cells, CELL_RUNS)},
    {r["calculation_id"]: r for r in read_table(snakemake.input.corrections, CORRECTIONS)},
    static_ratios(read_hosts(snakemake.input.properties)),
)
published = {
    ((r["host"], r["site"], r["impurity"]), r["q_from"]): r["level_eV"]
    for r in read_table(snakemake.input.published, LEVELS)
}
coefficient = json.loads(snakemake.params.coefficient)
protocols = read_level_protocols(snakemake.params.protocols)
rows = level_rows(read_sets(snakemake.input.sets), tables, protocols, coefficient, published)
write_table(snakemake.output.levels, rows, LIVE_LEVELS)
write_csv(snakemake.output.table, rows, LIVE_LEVELS.names)
