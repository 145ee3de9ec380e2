"""Who is alive: end a worker whose workflow was killed, find a Snakemake started by hand."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from defectra.core.errors import StoreError

if TYPE_CHECKING:
    import psutil


def follow_ancestors(generations: int = 2, every_s: float = 0.5) -> None:
    """Watch the nearest ancestors from a thread and kill this process when one of them is gone.

    A worker that is started by a shell is not notified when the program above that shell dies, so
    the shell and its parent are both watched. Children of the engines follow their worker. A
    process that has no ancestor left but process 1 was late: it ends at once, unless process 1 is
    the Snakemake that started it, as in a container.

    Parameters
    ----------
    generations
        How many ancestors, from the parent upwards; a process 1 that is an init is not watched.
    every_s
        Seconds between two looks.
    """
    import psutil

    nearest = psutil.Process().parents()[:generations]
    ancestors = [p for p in nearest if p.pid > 1 or _is_snakemake(p)]

    def watch() -> None:
        while ancestors and all(p.is_running() for p in ancestors):
            time.sleep(every_s)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="watchdog").start()


def refuse_at_work(folder: Path) -> None:
    """Refuse if a Snakemake of this machine works in `folder`: its lock does not say.

    Jobs that it has on a cluster are not meant.

    Raises
    ------
    StoreError
        With the number of the process.
    """
    import psutil

    for process in psutil.process_iter():
        try:
            own = _is_snakemake(process) and "--target-jobs" not in process.cmdline()
            here = own and Path(process.cwd()) == folder
        except (psutil.Error, OSError):
            continue  # it ended just now, or is not ours to look at
        if here:
            raise StoreError(f"{folder}: Snakemake {process.pid} is at work here; wait for it")


def _is_snakemake(process: psutil.Process) -> bool:
    """Whether a process is a Snakemake, by its command; not if it cannot be asked."""
    import psutil

    try:
        return any(Path(word).name == "snakemake" for word in process.cmdline()[:4])
    except (psutil.Error, OSError):
        return False
