"""Parsing the Snakefile, which every job does, loads no large library."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from defectra.core.paths import WORKFLOW

# Each takes 0.3 to 3 s of CPU to import.
LARGE = (
    "scipy",
    "pandas",
    "pymatgen",
    "torch",
    "sklearn",
    "matplotlib",
    "ase",
    "xgboost",
    "spglib",
)
# A program that runs these imports and prints which of the large libraries they loaded.
LOADED = """
import json, sys
lines, large = json.loads(sys.argv[1])
for line in lines:
    exec(line)
print(json.dumps([name for name in large if name in sys.modules]))
"""
IMPORT = re.compile(r"^from (defectra[\w.]*) import (\(.*?\)|[^\n]+)", re.MULTILINE | re.DOTALL)


def test_no_rule_file_imports_a_large_library() -> None:
    found = []
    for path in sorted([*WORKFLOW.rglob("*.smk"), WORKFLOW / "Snakefile"]):
        for module, names in IMPORT.findall(path.read_text(encoding="utf-8")):
            found.append(f"from {module} import {names}")
    assert len(found) > 20
    lines = list(dict.fromkeys(found))
    done = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps([lines, LARGE])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []
