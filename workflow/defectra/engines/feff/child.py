"""Program that runs FEFF stages in the current folder: ``python -m ... stage stage ...``.

The stages are threads of processes that the feff10 package starts. This program leads its own
process group and ends the whole group when its parent has gone, so that no stage survives a
killed worker.
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
    import feff10

    parent = os.getppid()
    outcome: dict[str, object] = {}

    def work() -> None:
        try:
            stages = [feff10.Stage.from_name(name) for name in sys.argv[1:]]
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
