"""Error against gap if the model were right. Input levels, hosts, computed, predictions.

params.config = levels; params.seed = seed.
"""

from defectra.levels.hosts import read_hosts, with_computed
from defectra.levels.importer import LEVELS
from defectra.levels.live_table import HOST_RUNS
from defectra.models.levels import PREDICTIONS, assemble
from defectra.models.simulated import SIMULATED_COLUMNS, simulate
from defectra.settings.levels import LevelsStudy
from defectra.store import read_table
from defectra.tables.csvs import write_csv

study, seed = LevelsStudy.model_validate_json(snakemake.params.config), int(snakemake.params.seed)
computed = read_table(snakemake.input.computed, HOST_RUNS)
hosts = with_computed(read_hosts(snakemake.input.hosts), computed, study.host_fidelity)
data = assemble(read_table(snakemake.input.levels, LEVELS), hosts)
predictions = read_table(snakemake.input.predictions, PREDICTIONS)
write_csv(snakemake.output[0], simulate(data, predictions, study, seed), SIMULATED_COLUMNS)
