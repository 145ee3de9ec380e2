"""Error against gap if the model were right. Input levels, hosts, computed, predictions.

params.config = levels; params.seed = seed.
"""

from defectra.core.csvs import write_csv
from defectra.core.store import read_table
from defectra.studies.levels.evaluate import PREDICTIONS, assemble
from defectra.studies.levels.hosts import read_hosts, with_computed
from defectra.studies.levels.published import LEVELS
from defectra.studies.levels.settings import LevelsStudy
from defectra.studies.levels.simulated import SIMULATED_COLUMNS, simulate
from defectra.studies.levels.tables import HOST_RUNS

study, seed = LevelsStudy.model_validate_json(snakemake.params.config), int(snakemake.params.seed)
computed = read_table(snakemake.input.computed, HOST_RUNS)
hosts = with_computed(read_hosts(snakemake.input.hosts), computed, study.host_fidelity)
data = assemble(read_table(snakemake.input.levels, LEVELS), hosts)
predictions = read_table(snakemake.input.predictions, PREDICTIONS)
write_csv(snakemake.output[0], simulate(data, predictions, study, seed), SIMULATED_COLUMNS)
