"""A campaign of all studies whose steps only leave empty files: what reruns, in seconds.

What a change reruns does not depend on what the files hold. Each script gets two lines that make
its outputs and end it; the rest of it stands, so that its hash still follows all that it imports.
The mirror holds an empty file for every registered one: no published data are needed.
"""

from __future__ import annotations

import ast
import csv
import shutil
from pathlib import Path
from typing import Any

from campaign import ROOT, Campaign

from defectra.core.studies import study_names

END = '[__import__("pathlib").Path(name).touch() for name in snakemake.output]\nraise SystemExit'


def hollow_campaign(folder: Path, mirror: Path) -> Campaign:
    """Copy the project, empty its scripts, make an empty mirror."""
    campaign = Campaign(folder)
    shutil.copytree(ROOT / "resources", folder / "resources", dirs_exist_ok=True)
    campaign.study["engine"] = "feff"
    campaign.others = {"studies": list(study_names()), "mirror": str(mirror)}
    campaign.write_config()
    for script in sorted((folder / "scripts").glob("*.py")):
        script.write_text(ended(script.read_text()))
    with (folder / "config/datasets.csv").open(newline="") as handle:
        for row in csv.DictReader(handle):
            (mirror / row["path"]).parent.mkdir(parents=True, exist_ok=True)
            (mirror / row["path"]).touch()
    return campaign


def ended(text: str) -> str:
    """A script that makes its outputs and stops, before it comes to what it does."""
    lines = text.splitlines()
    docstring = ast.parse(text).body[0]
    at = docstring.end_lineno if isinstance(docstring, ast.Expr) else 0
    return "\n".join([*lines[:at], *END.splitlines(), *lines[at:], ""])


def changed(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A config with one key (``levels.live.recompute``) set."""
    first, _, rest = path.partition(".")
    return {**config, first: changed(config.get(first, {}), rest, value) if rest else value}
