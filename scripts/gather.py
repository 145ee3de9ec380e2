"""Union of the chunks. Input and output structures, geometries, calculations, spectra.

params.max_failed = fraction of failed calculations above which the run ends with an error.
"""

from defectra.campaign.gather import check_failures, unite
from defectra.core.joblog import keep_log
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA, STRUCTURES

TABLES = {
    "structures": (STRUCTURES, ["structure_id"]),
    "geometries": (GEOMETRIES, ["geometry_id", "structure_id", "protocol"]),
    "calculations": (CALCULATIONS, ["calculation_id", "structure_id", "site"]),
    "spectra": (SPECTRA, ["calculation_id"]),
}

keep_log(snakemake.log[0])
check_failures(snakemake.input.calculations, float(snakemake.params.max_failed))
for name, (table, key) in TABLES.items():
    unite(snakemake.input[name], snakemake.output[name], table, key)
