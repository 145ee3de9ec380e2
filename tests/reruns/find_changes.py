"""Make each change alone, write what it reruns and the table of docs/workflow.md: ``make changes``.

About two CPU seconds for each change, after half a minute for the campaign. With words behind the
command, only changes whose names hold one of them are made; the others stay as they are known.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from changes import CHANGES, DOCS, KNOWN, in_docs, known
from dry_runs import DryRuns
from hollow import hollow_campaign


def main(words: list[str]) -> None:
    found = known() if words else {}
    with tempfile.TemporaryDirectory(prefix="changes-") as name:
        campaign = hollow_campaign(Path(name) / "project", Path(name) / "mirror")
        campaign.run("--no-report")
        with DryRuns(campaign) as dry_runs:
            assert dry_runs.rules() == {}
            for change in (c for c in CHANGES if not words or any(w in c.name for w in words)):
                found[change.name] = dry_runs.rules(change)
                print(change.name, found[change.name], flush=True)
    rows = {c.name: found[c.name] for c in CHANGES if c.name in found}
    KNOWN.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if len(rows) == len(CHANGES):
        DOCS.write_text(in_docs(DOCS.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
