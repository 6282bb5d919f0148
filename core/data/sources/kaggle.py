"""Kaggle data sets by kagglehub, in a process of its own: it can be stopped, and what kagglehub prints stays out of the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from core.data.sources.spec import Kaggle
from core.data.sources.transfer import DownloadFailed, Progress

POLL = 0.5  # seconds between two looks at how much has come

_SCRIPT = """
import json, sys
try:
    import kagglehub
    found = {"path": kagglehub.dataset_download(sys.argv[1])}
except Exception as error:
    response = getattr(error, "response", None)
    found = {"kind": type(error).__name__, "problem": str(error), "status": getattr(response, "status_code", None)}
print("\\n" + json.dumps(found))
"""


def download(way: Kaggle, progress: Progress | None = None) -> Path:
    """The folder of `way` in kagglehub's cache (`KAGGLEHUB_CACHE`, or ~/.cache/kagglehub); nothing is fetched when it is there already.

    `progress` gets the bytes that have come, and 0 for their sum, which is not known before; kagglehub goes on with what it has.

    Raises:
        DownloadFailed: no connection, no login where one is needed, no such version, or no room.
    """
    arguments = [sys.executable, "-c", _SCRIPT, f"{way.handle}/versions/{way.version}"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            while True:
                try:
                    printed = process.communicate(timeout=POLL)[0]
                    break
                except subprocess.TimeoutExpired:
                    if progress:
                        progress(_arrived(way), 0)
        except BaseException:
            process.terminate()
            raise
    lines = printed.strip().splitlines()
    found = json.loads(lines[-1]) if lines else {"kind": "", "problem": f"kagglehub ended with {process.returncode}", "status": None}
    if "path" not in found:
        raise _failure(way, **found)
    return _inner(Path(found["path"]), way.inner)


def _inner(root: Path, candidates: tuple[str, ...]) -> Path:
    return next((root / inner for inner in candidates if (root / inner).is_dir()), root)


def _arrived(way: Kaggle) -> int:
    """Bytes of the archive that kagglehub has so far; 0 where it keeps it elsewhere."""
    cache = Path(os.environ.get("KAGGLEHUB_CACHE") or Path.home() / ".cache" / "kagglehub")
    archive = cache / "datasets" / way.handle / f"{way.version}.archive"
    return archive.stat().st_size if archive.is_file() else 0


def _failure(way: Kaggle, kind: str, problem: str, status: int | None) -> DownloadFailed:
    manual = f"Or download it by hand from {way.url}, unpack it, and import the folder."
    received = f"{way.url}: {problem.splitlines()[0] if problem else kind}"
    if kind in ("ModuleNotFoundError", "ImportError"):
        return DownloadFailed("Kaggle data sets are fetched by kagglehub.", received, f"Install it: pip install kagglehub. {manual}")
    if status in (401, 403):
        login = "Make an API token in your Kaggle settings and save it as ~/.kaggle/kaggle.json, or set KAGGLE_API_TOKEN."
        return DownloadFailed("Kaggle gives this data set to people it knows.", received, f"{login} {manual}")
    if status == 404:
        return DownloadFailed("The data set has this version on Kaggle.", received, manual)
    if "No space left" in problem:
        return DownloadFailed("The disk must have room for what is fetched.", received, f"Make room and try again. {manual}")
    return DownloadFailed("Fetching from Kaggle needs a connection.", received, f"Check the network and try again. {manual}")
