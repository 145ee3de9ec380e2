"""Site averages. Input calculations, spectra, structures, tasks (list of files).

params.config = nmc.edges.
"""

import json

from defectra.records import CALCULATIONS, SITE_AVERAGES, SPECTRA, STRUCTURES, TASKS
from defectra.settings.nmc import Grid
from defectra.spectra.average import average_sites
from defectra.store import read_table, write_table

files = snakemake.input
paths = [files.tasks] if isinstance(files.tasks, str) else files.tasks
rows = average_sites(
    read_table(files.calculations, CALCULATIONS),
    read_table(files.spectra, SPECTRA),
    read_table(files.structures, STRUCTURES),
    [row for path in paths for row in read_table(path, TASKS)],
    {name: Grid(**grid) for name, grid in json.loads(snakemake.params.config).items()},
)
write_table(snakemake.output[0], rows, SITE_AVERAGES)
