"""Cu K spectra with labels. Input archive (OmniXAS); output copper (parquet), left_out (csv).

params.mirror = folder of the published data.
"""

from pathlib import Path

from defectra.core.csvs import write_csv
from defectra.core.datasets import locate
from defectra.core.store import write_table
from defectra.studies.xanes.copper import COPPER, copper_rows

mirror = Path(snakemake.params.mirror)
archive = locate(str(Path(snakemake.input.archive).relative_to(mirror)), mirror)
rows, left_out = copper_rows(archive)
write_table(snakemake.output.copper, rows, COPPER)
reasons = [{"reason": reason, "sites": number} for reason, number in sorted(left_out.items())]
write_csv(snakemake.output.left_out, reasons, ["reason", "sites"])
