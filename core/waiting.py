"""How the threads of a torch operation wait for each other: to be said before torch is loaded, by every program that loads it."""

import os

WAITING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "5000"}


def briefly() -> None:
    """Each spins for some microseconds, then sleeps, unless the environment has it otherwise.

    The library's own habit, milliseconds, takes the core from whatever else this machine does: from a training beside a page that asks a
    network, and the other way round. Sleeping at once makes a training's step 5 % slower on an idle machine.
    """
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)
