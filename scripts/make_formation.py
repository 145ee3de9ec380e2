"""Formation energies. Input hosts, cells, corrections, sets, phases; output table, figure.

params.chosen = names of sets, params.protocol.
"""

import json

from defectra.figures.formation import plot_formation
from defectra.levels.formation import FORMATION_COLUMNS
from defectra.levels.live_requests import read_sets
from defectra.levels.live_sets import CORRECTIONS, Tables, formation, hosts_by_name
from defectra.levels.live_table import CELL_RUNS, HOST_RUNS
from defectra.settings.protocols import GpawLevelsProtocol
from defectra.store import read_table
from defectra.tables.csvs import write_csv

tables = Tables(
    hosts_by_name(read_table(snakemake.input.hosts, HOST_RUNS)),
    {r["calculation_id"]: r for r in read_table(snakemake.input.cells, CELL_RUNS)},
    {r["calculation_id"]: r for r in read_table(snakemake.input.corrections, CORRECTIONS)},
)
names = json.loads(snakemake.params.chosen)
sets = [s for s in read_sets(snakemake.input.sets) if s.name in names]
protocol = GpawLevelsProtocol.model_validate_json(snakemake.params.protocol)
rows = formation(sets, tables, protocol, snakemake.input.phases)
write_csv(snakemake.output.table, rows, FORMATION_COLUMNS)
plot_formation(rows, snakemake.output.figure)
