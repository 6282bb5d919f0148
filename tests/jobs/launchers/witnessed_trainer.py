"""The real trainer, which first tells whether it is the only one at work on its run: `python witnessed_trainer.py FOLDER ARGUMENT…`.

The system takes the lock from a process the moment it dies, and not before.
"""

import fcntl
import runpy
import sys
from pathlib import Path

folder = Path(sys.argv[1])
lock = open(folder / "witness.lock", "a")  # noqa: SIM115  held until the process ends
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    told = "alone"
except BlockingIOError:
    told = "not alone"
with open(folder / "witness.txt", "a") as witness:
    witness.write(f"{told}\n")
sys.argv[1:], sys.path[0] = sys.argv[2:], str(Path.cwd())  # as with -m
runpy.run_module("core", run_name="__main__", alter_sys=True)
