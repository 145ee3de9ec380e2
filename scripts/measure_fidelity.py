"""Error against cost. Input compounds (parquet), references, ions (csv); output[0] csv.

params.config = leaf perovskites.fidelity; params.seed = seed.
"""

import json

from defectra.core.csvs import read_csv, write_csv
from defectra.core.store import read_table
from defectra.studies.perovskites.descriptors import ions_from_rows
from defectra.studies.perovskites.fidelity import FIDELITY_COLUMNS, fidelity_rows
from defectra.studies.perovskites.settings import Fidelity
from defectra.studies.perovskites.tables import COMPOUNDS, IONS_COLUMNS, REFERENCES_COLUMNS

rows = fidelity_rows(
    read_table(snakemake.input.compounds, COMPOUNDS),
    read_csv(snakemake.input.references, REFERENCES_COLUMNS),
    ions_from_rows(read_csv(snakemake.input.ions, IONS_COLUMNS)),
    Fidelity(**json.loads(snakemake.params.config)),
    int(snakemake.params.seed),
)
write_csv(snakemake.output[0], rows, FIDELITY_COLUMNS)
