"""Becomes a command that the system kills when the process that started it dies: `python tied.py PARENT COMMAND…`. Linux.

A program of its own: between fork and exec, a process with many threads must run no Python.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; what the command inherits


def main(parent: str, *command: str) -> None:
    """Never returns. `parent` is the process id of whoever started this."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the system cannot tie one process to another")
    if os.getppid() != int(parent):  # it died before
        os.kill(os.getpid(), signal.SIGKILL)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
