"""Program: ``python bound.py PARENT COMMAND...`` becomes COMMAND, ends with process PARENT."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PDEATHSIG = 1  # PR_SET_PDEATHSIG of linux/prctl.h; it outlives execv


def main() -> None:
    """Bind this process to its parent, then become the command."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):  # it has gone already
            sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606 - a list, from the package alone
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
