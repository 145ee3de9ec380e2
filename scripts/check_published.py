"""Published checks. Input series, regressor, classifier, example, record; output[0] csv.

params.mirror = folder of the published data.
"""

from pathlib import Path

from defectra.core.csvs import write_csv
from defectra.core.datasets import located
from defectra.studies.xanes.published import CHECK_COLUMNS, check_rows, read_series

mirror = Path(snakemake.params.mirror)
names = ("series", "regressor", "classifier", "example", "record")
series, *rest = (located(snakemake.input[k], mirror)[0] for k in names)
write_csv(snakemake.output[0], check_rows(read_series(series), *rest), CHECK_COLUMNS)
