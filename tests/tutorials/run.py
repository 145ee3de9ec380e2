"""Execute the commands of a tutorial and compare what they print with what the page shows.

``python tests/tutorials/run.py docs/tutorial_first_campaign.md`` runs each ``sh`` block of the page
in the repository, one after the other, with an empty folder as home and ``.venv/bin`` on PATH. The
``text`` block that follows one holds lines that its output must have in this order; ``...`` stands
for anything.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[tuple[str, str | None]]:
    """Commands of a page, each with what it should print."""
    found: list[tuple[str, str | None]] = []
    for kind, body in BLOCK.findall(text):
        if kind == "sh":
            found.append((body, None))
        elif kind == "text" and found:
            found[-1] = (found[-1][0], body)
    return found


def is_shown(expected: str, output: str) -> bool:
    """Whether the lines of `expected` are in the output in order, where ``...`` is anything."""
    parts = (re.escape(part) for part in re.split(r"\.\.\.\n?", expected))
    return re.search(r"[\s\S]*".join(parts), output) is not None


def main(page: Path) -> int:
    """Run a page; the exit code is 1 at the first command that fails or prints something else."""
    steps = blocks(page.read_text(encoding="utf-8"))
    if not steps:
        print(f"{page}: no command in it")
        return 1
    with tempfile.TemporaryDirectory() as home:
        path = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ.get("PATH", "")])
        environment = {**os.environ, "HOME": home, "PATH": path}
        for command, expected in steps:
            print(f"$ {command}", end="", flush=True)
            done = subprocess.run(
                ["bash", "-euc", command],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            print(done.stdout)
            if done.returncode or (expected and not is_shown(expected, done.stdout)):
                print(f"{page}: exit code {done.returncode}; the page shows:\n{expected}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
