"""What to compute next, computed. Input ranked (next.csv), hosts, archive; output csv.

params.config = levels.live, params.protocols, params.coefficient, params.archive.
"""

import csv
import json
from pathlib import Path

from defectra.core.csvs import write_csv
from defectra.core.joblog import keep_log
from defectra.core.protocols import read_level_protocols
from defectra.core.watchdog import follow_ancestors
from defectra.studies.levels import calculations as live_run
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.sets import level_rows
from defectra.studies.levels.settings import Live
from defectra.studies.levels.tables import LIVE_LEVELS

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
