"""Site averages. Input structures, tasks, calculations, spectra: one file of each for a chunk.

params.config = nmc.edges.
"""

import json

from defectra.spectra.site_averages import average_chunks
from defectra.studies.nmc.settings import Grid

files = snakemake.input
tables = [files[k] for k in ("structures", "tasks", "calculations", "spectra")]
average_chunks(
    snakemake.output[0],
    *([paths] if isinstance(paths, str) else paths for paths in tables),
    {name: Grid(**grid) for name, grid in json.loads(snakemake.params.config).items()},
)
