"""Two-fidelity study of the Foundry table, or of its first rows where that is all there is.

Input foundry (csv); output alignment, curves (csv). params.mirror; params.registered = path below
the mirror whose checksum is known, empty for the full table; params.config = levels; params.seed.
"""

import json

from defectra.core.csvs import write_csv
from defectra.core.datasets import locate
from defectra.defects.alignment import ALIGNMENT_COLUMNS, alignment_rows
from defectra.studies.levels.learning_curves import CURVE_COLUMNS, curves
from defectra.studies.levels.published import read_foundry
from defectra.studies.levels.settings import LevelsStudy

study = LevelsStudy.model_validate_json(snakemake.params.config)
registered = json.loads(snakemake.params.registered)
if registered:
    locate(registered, json.loads(snakemake.params.mirror))
rows, _ = read_foundry(snakemake.input.foundry)
aligned = alignment_rows(rows, study.mba_coefficient)
write_csv(snakemake.output.alignment, aligned, ALIGNMENT_COLUMNS)
found = curves(rows, study.multifidelity, int(snakemake.params.seed))
write_csv(snakemake.output.curves, found, CURVE_COLUMNS)
