"""A trainer that trains nothing: notes in the run's folder that it began and ended, and does what its arguments say.

"sleep": goes on until it is killed. "fail KIND": ends as failed. "exit": ends at once without a word. "advance": one more epoch, then waits
to be killed. Standard library alone, so that a thousand of them start in a minute.
"""

import fcntl
import json
import os
import sys
import time

folder, device, *what = sys.argv[1:]


def note(event):
    with open(f"{folder}/spans", "a") as file:
        file.write(f"{event} {os.getpid()} {device} {time.monotonic()}\n")


def change(**values):
    with open(f"{folder}/status.json") as file:
        status = json.load(file)
    with open(f"{folder}/status.tmp", "w") as file:
        json.dump({**status, **values}, file)
    os.replace(f"{folder}/status.tmp", f"{folder}/status.json")  # noqa: PTH105  without pathlib it starts in half the time


lock = open(f"{folder}/lock", "w")  # noqa: SIM115  held to the end
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as a real one holds its run, and ends where another one has it
except OSError:
    sys.exit(1)
with open(f"{folder}/status.json") as file:
    if json.load(file)["state"] == "done":
        sys.exit(1)
note("begin")
if what == ["sleep"]:
    time.sleep(600)
elif what == ["advance"]:
    with open(f"{folder}/status.json") as file:
        epoch = json.load(file)["epoch"]
    change(epoch=epoch + 1)
    time.sleep(600)
else:
    note("end")
    if what[:1] == ["fail"]:
        change(state="failed", failure=what[1], message="It failed.", finished=time.time())
    elif what != ["exit"]:
        change(state="done", finished=time.time())
