"""What to compute next, computed. Input ranked (next.csv), hosts, archive; output csv.

params.config = levels.live, params.protocols, params.coefficient, params.archive.
"""

import csv
import json
from pathlib import Path

from defectra.joblog import keep_log
from defectra.levels import live_run
from defectra.levels.hosts import read_hosts
from defectra.levels.live_sets import level_rows
from defectra.levels.live_table import LIVE_LEVELS
from defectra.settings.levels import Live
from defectra.settings.protocols import read_level_protocols
from defectra.tables.csvs import write_csv
from defectra.watchdog import follow_ancestors

keep_log(snakemake.log[0])
follow_ancestors()
live = Live.model_validate_json(snakemake.params.config)
protocols = read_level_protocols(snakemake.params.protocols)
with Path(snakemake.input.ranked).open(encoding="utf-8", newline="") as handle:
    sets = live_run.sets_of_next(list(csv.DictReader(handle)), live)
known = live_run.archive_records(json.loads(snakemake.params.archive))
journal = Path("results/store/levels_next.journal")
found = live_run.compute(sets, protocols, read_hosts(snakemake.input.hosts), journal, known)
rows = level_rows(sets, found, protocols, json.loads(snakemake.params.coefficient), {})
write_csv(snakemake.output[0], rows, LIVE_LEVELS.names)
