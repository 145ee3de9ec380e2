"""Error against cost. Input compounds (parquet), references, ions (csv); output[0] csv.

params.config = leaf perovskites.fidelity; params.seed = seed.
"""

import json

from defectra.perovskites.descriptors import ions_from_rows
from defectra.perovskites.fidelity import FIDELITY_COLUMNS, fidelity_rows
from defectra.perovskites.tables import COMPOUNDS, IONS_COLUMNS, REFERENCES_COLUMNS
from defectra.settings.perovskites import Fidelity
from defectra.store import read_table
from defectra.tables.csvs import read_csv, write_csv

rows = fidelity_rows(
    read_table(snakemake.input.compounds, COMPOUNDS),
    read_csv(snakemake.input.references, REFERENCES_COLUMNS),
    ions_from_rows(read_csv(snakemake.input.ions, IONS_COLUMNS)),
    Fidelity(**json.loads(snakemake.params.config)),
    int(snakemake.params.seed),
)
write_csv(snakemake.output[0], rows, FIDELITY_COLUMNS)
