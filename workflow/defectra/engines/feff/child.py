"""Program that runs FEFF stages in the current folder: ``python child.py PARENT stage stage ...``.

The stages are threads of processes that the feff10 package starts. This program leads its own
process group and ends the whole group when its parent has gone, so that no stage survives a
killed worker. PARENT is the number of that process: the import takes a while, in which it may die.
Without it the parent is the one that is there at the start.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path


def main() -> int:
    """Run the stages named on the command line; write ``stages.json``; 0 if all ended well."""
    names = sys.argv[1:]
    parent = int(names.pop(0)) if names and names[0].isdecimal() else os.getppid()
    if os.getppid() != parent:  # it has gone already
        return 1
    import feff10

    outcome: dict[str, object] = {}

    def work() -> None:
        try:
            stages = [feff10.Stage.from_name(name) for name in names]
            config = feff10.FeffConfig.from_file(".", "feff.inp", stages)
            result = feff10.FeffPipeline(config).run()
            outcome["seconds"] = {s.stage.executable_name: s.duration_secs for s in result.stages}
        except feff10.FeffError as error:
            outcome["error"] = str(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)
        if os.getppid() != parent:
            os.killpg(os.getpgrp(), signal.SIGKILL)
    Path("stages.json").write_text(json.dumps(outcome), encoding="utf-8")
    return 0 if "seconds" in outcome else 1


if __name__ == "__main__":
    os._exit(main())
