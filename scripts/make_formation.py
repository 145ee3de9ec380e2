"""Formation energies. Input hosts, cells, corrections, sets, phases; output table, figure.

params.chosen = names of sets, params.protocols.
"""

import json

from defectra.core.csvs import write_csv
from defectra.core.protocols import read_level_protocols
from defectra.core.store import read_table
from defectra.studies.levels.figures.formation import plot_formation
from defectra.studies.levels.formation import FORMATION_COLUMNS
from defectra.studies.levels.hosts import read_hosts, static_ratios
from defectra.studies.levels.requests import read_sets
from defectra.studies.levels.sets import CORRECTIONS, Tables, formation, hosts_by_name
from defectra.studies.levels.tables import CELL_RUNS, HOST_RUNS

tables = Tables(
    hosts_by_name(read_table(snakemake.input.hosts, HOST_RUNS)),
    {r["calculation_id"]: r for r in read_table(snakemake.input.cells, CELL_RUNS)},
    {r["calculation_id"]: r for r in read_table(snakemake.input.corrections, CORRECTIONS)},
    static_ratios(read_hosts(snakemake.input.properties)),
)
names = json.loads(snakemake.params.chosen)
sets = [s for s in read_sets(snakemake.input.sets) if s.name in names]
protocols = read_level_protocols(snakemake.params.protocols)
rows = formation(sets, tables, protocols, snakemake.input.phases)
write_csv(snakemake.output.table, rows, FORMATION_COLUMNS)
plot_formation(rows, snakemake.output.figure)
