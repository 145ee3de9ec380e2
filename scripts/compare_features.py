"""Features compared. Input copper (parquet), lists and tables of VASP; output[0] csv.

params.config = leaf xanes; params.seed = seed; params.mirror = folder of the published data.
"""

import json
from pathlib import Path

from defectra.core.csvs import write_csv
from defectra.core.datasets import located
from defectra.core.records import METRICS_COLUMNS
from defectra.core.store import read_table
from defectra.studies.xanes.compare import compare
from defectra.studies.xanes.copper import COPPER
from defectra.studies.xanes.omnixas import read_spectra
from defectra.studies.xanes.settings import XanesStudy

mirror = Path(snakemake.params.mirror)
lists, tables = (located(snakemake.input[k], mirror) for k in ("lists", "tables"))
rows = compare(
    read_table(snakemake.input.copper, COPPER),
    read_spectra(lists, tables),
    XanesStudy(**json.loads(snakemake.params.config)),
    int(snakemake.params.seed),
)
write_csv(snakemake.output[0], rows, METRICS_COLUMNS)
