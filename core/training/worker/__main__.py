"""`python -m core.training.worker RUN [DEVICE]`: one process of several that train a run; `several` starts them."""

from __future__ import annotations

import sys

from core.runs import store
from core.training import worker

if __name__ == "__main__":
    worker.run(store.find(sys.argv[1]), *sys.argv[2:3])
