"""End a worker whose workflow was killed: no orphan goes on computing."""

from __future__ import annotations

import os
import signal
import threading
import time


def follow_ancestors(generations: int = 2, every_s: float = 0.5) -> None:
    """Watch the nearest ancestors from a thread and kill this process when one of them is gone.

    A worker that is started by a shell is not told when the program above that shell dies, so
    the shell and its parent are both watched. Children of the engines follow their worker.

    Parameters
    ----------
    generations
        How many ancestors, from the parent upwards; process 1 is never watched.
    every_s
        Seconds between two looks.
    """
    import psutil

    ancestors = [p for p in psutil.Process().parents()[:generations] if p.pid > 1]

    def watch() -> None:
        while all(p.is_running() for p in ancestors):
            time.sleep(every_s)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="watchdog").start()
