"""Live set of levels. Input sets, hosts (csv), archive (parts); output four tables.

params.config = levels.live, params.protocols; the journals in results/store are nobody's output.
"""

import json
from pathlib import Path

from defectra.joblog import keep_log
from defectra.levels import live_run
from defectra.levels.hosts import read_hosts
from defectra.levels.live_requests import read_sets
from defectra.levels.live_sets import CORRECTIONS
from defectra.levels.live_table import CELL_RUNS, HOST_RUNS
from defectra.settings.levels import Live
from defectra.settings.protocols import read_level_protocols
from defectra.store import write_table
from defectra.tables.csvs import write_csv
from defectra.watchdog import follow_ancestors

keep_log(snakemake.log[0])
follow_ancestors()
live = Live.model_validate_json(snakemake.params.config)
live = live.model_copy(update={"sets": snakemake.input.sets})
protocols = read_level_protocols(snakemake.params.protocols)
root, properties = json.loads(snakemake.params.archive), read_hosts(snakemake.input.hosts)
journal = Path("results/store/levels.journal")
if live.complete:
    known = live_run.archive_records(root)
    live_run.compute(read_sets(live.sets), protocols, properties, journal, known)
found = live_run.tables(root, journal, properties)
anew = journal.with_name("levels_anew.journal")
drift = live_run.recompute(live, protocols, properties, anew, found)
write_table(snakemake.output.hosts, found.hosts.values(), HOST_RUNS)
write_table(snakemake.output.cells, found.cells.values(), CELL_RUNS)
write_table(snakemake.output.corrections, found.corrections.values(), CORRECTIONS)
write_csv(snakemake.output.drift, drift, live_run.DRIFT_COLUMNS)
