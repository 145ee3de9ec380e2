"""Complete one chunk of the plan and project it. Input structures, tasks, archived (a digest).

Output geometries, calculations, spectra. params.settings = JSON of the worker's settings;
params.archive = folder, as JSON. The journal, results/store/<chunk>.journal, is nobody's output.
"""

import json
from pathlib import Path

from defectra.campaign.worker import Settings, run_chunk
from defectra.core.joblog import keep_log
from defectra.core.scratch import use_node_scratch
from defectra.core.watchdog import follow_ancestors

keep_log(snakemake.log[0])
follow_ancestors()
use_node_scratch()
counts = run_chunk(
    Path(snakemake.input.tasks).parent,
    Settings.model_validate_json(snakemake.params.settings),
    Path("results/store") / f"{snakemake.wildcards.chunk}.journal",
    Path(json.loads(snakemake.params.archive)),
    Path(snakemake.output.calculations).parent,
)
print(counts)
