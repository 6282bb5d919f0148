"""What is wrong with this installation: a list of checks, each with what was found and the way out. Nothing is changed."""

from __future__ import annotations

import os
import shutil
import stat
import tomllib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from packaging.requirements import Requirement

from core import hardware, settings
from core.errors import CoreError
from core.settings import ROOT

State = Literal["ok", "warning", "wrong", "not checked"]

DISK_WRONG, DISK_LOW = 10**9, 10**10  # bytes free: less than an epoch's checkpoints, less than a data set of the usual size
LOOPBACK = ("127.0.0.1", "localhost", "::1")
EXAMINED = ("torch", "torchvision", "timm", "streamlit")  # whose versions stand in the answer


@dataclass(frozen=True)
class Check:
    """One thing looked at. way_out: empty where nothing is to be done."""

    name: str
    state: State
    found: str
    way_out: str = ""


def checks() -> list[Check]:
    """Every check, in the order in which a person would mend what they find."""
    found = [_settings()]
    looks: tuple[tuple[str, Callable[[], Iterator[Check]]], ...] = (
        ("versions", _versions), ("device", _devices), ("write access", _write_access), ("disk", _disk), ("runs", _runs), ("queue", _queue),
        ("access", _access), ("secrets", _secrets),
    )  # fmt: skip
    for name, look in looks:
        if found[0].state == "wrong" and name != "versions":
            found.append(Check(name, "not checked", "settings that cannot be read", "Correct the settings first."))
        else:
            found += _looked(name, look)
    return found


def _looked(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    """A check that itself fails is a finding, not the end of the others."""
    try:
        return list(look())
    except CoreError as error:
        return [Check(name, "wrong", problem.rule + " Received: " + problem.received, problem.way_out) for problem in error.problems]
    except OSError as error:
        return [Check(name, "wrong", str(error), "Look at the file or folder that it names.")]


def _settings() -> Check:
    try:
        settings.current()
    except CoreError as error:
        found = " ".join(f"{problem.rule} Received: {problem.received}." for problem in error.problems)
        return Check("settings", "wrong", found, " ".join(dict.fromkeys(problem.way_out for problem in error.problems)))
    known = {setting.variable for setting in settings.SETTINGS} | {settings.FILES}
    unknown = sorted(name for name in os.environ if name.startswith("CXRLAB_") and name not in known)
    if unknown:
        return Check("settings", "warning", f"{', '.join(unknown)} in the environment, which no setting is called", "Correct or remove it.")
    read = [str(path) for path in settings.files() if path.is_file()]
    return Check("settings", "ok", f"read from the environment{''.join(f' and {path}' for path in read)}")


def _versions() -> Iterator[Check]:
    wrong = []
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith(("#", "-")):
            continue
        needed = Requirement(line)
        if needed.marker and not needed.marker.evaluate():  # not for this system
            continue
        try:
            have = version(needed.name)
        except PackageNotFoundError:
            wrong.append(f"{needed.name} is missing")
            continue
        if not needed.specifier.contains(have, prereleases=True):
            wrong.append(f"{needed.name} {have}, not {needed.specifier}")
    if wrong:
        yield Check("versions", "wrong", "; ".join(wrong), "Run pip install -r requirements.txt.")
    else:
        yield Check("versions", "ok", ", ".join(f"{name} {version(name)}" for name in EXAMINED))


def _devices() -> Iterator[Check]:
    import torch

    wanted = settings.current().devices
    there = {"cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count())), *(["cuda"] if torch.cuda.is_available() else [])}
    there |= {"mps"} if torch.backends.mps.is_available() else set()
    missing = [name for name in wanted if name not in there | {"auto"}]
    if missing:
        found = f"{', '.join(missing)} in the settings; here are {', '.join(sorted(there))}"
        yield Check("device", "wrong", found, "Correct devices in the settings, or look at the driver with nvidia-smi.")
    elif shutil.which("nvidia-smi") and not torch.cuda.is_available():
        way_out = "Install torch and torchvision of one build with CUDA, or update the driver."
        yield Check("device", "warning", f"an NVIDIA driver, and torch {torch.__version__} that sees no GPU", way_out)
    else:
        yield Check("device", "ok", hardware.training_device())


def _write_access() -> Iterator[Check]:
    folder = settings.artifacts_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".doctor-{uuid.uuid4().hex[:8]}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        way_out = "Give the app's user the right to write there, or name another folder (CXRLAB_ARTIFACTS)."
        yield Check("write access", "wrong", f"{folder}: {error.strerror}", way_out)
    else:
        yield Check("write access", "ok", str(folder))


def _disk() -> Iterator[Check]:
    folder = settings.artifacts_dir()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    state: State = "wrong" if free < DISK_WRONG else "warning" if free < DISK_LOW else "ok"
    way_out = "" if state == "ok" else "Free some room, or set CXRLAB_ARTIFACTS to a folder on a larger disk."
    yield Check("disk", state, f"{free / 1e9:.1f} GB free", way_out)


def _runs() -> Iterator[Check]:
    from core.runs import index

    rows = index.rows()
    damaged = [row.run_id for row in rows if row.state == index.DAMAGED]
    if damaged:
        found = f"{len(damaged)} of {len(rows)} cannot be read: {', '.join(damaged[:5])}"
        yield Check("runs", "warning", found, "Restore recipe.json and status.json in their folders, or remove the folders.")
    else:
        yield Check("runs", "ok", f"{len(rows)} in the index")


def _queue() -> Iterator[Check]:
    from core.jobs import health

    state, found, way_out = health.look()
    yield Check("queue", state, found, way_out)


def _access() -> Iterator[Check]:
    found, server = settings.current(), _config().get("server", {})
    address = str(server.get("address", ""))
    if not found.login:
        if address in LOOPBACK:
            yield Check("access", "ok", f"no login; the app listens on {address} alone")
        else:
            way_out = "Set server.address to 127.0.0.1 in .streamlit/config.toml, or configure a login (docs/security.md)."
            yield Check("access", "wrong", f"no login, and the app listens on {address or 'every address'}", way_out)
        return
    try:
        library = f"Authlib {version('authlib')}"
    except PackageNotFoundError:
        yield Check("access", "wrong", "a login without the package that it needs", "Run pip install 'streamlit[auth]'.")
        return
    if found.admins:
        yield Check("access", "ok", f"login by {library}; {len(found.admins)} admins, {len(found.operators)} operators")
    else:
        yield Check("access", "warning", "a login, and nobody is an administrator", "List one in admins under [access].")
    most = int(server.get("maxUploadSize", 200))
    if found.upload_mb > most:
        way_out = f"Set server.maxUploadSize to {found.upload_mb} in .streamlit/config.toml as well."
        yield Check("upload limit", "warning", f"upload_mb {found.upload_mb}, and the server stops at {most}", way_out)


def _secrets() -> Iterator[Check]:
    """A file with a client's secret is read by its owner alone."""
    open_to_all = [path for path in settings.files() if path.is_file() and os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if settings.current().login and open_to_all:
        names = " ".join(map(str, open_to_all))
        yield Check("secrets", "warning", f"other users of this machine may read or write {names}", f"Run chmod 600 {names}.")
    else:
        yield Check("secrets", "ok", "read by their owner alone" if settings.current().login else "none")


def _config() -> dict[str, Any]:
    """The app's own configuration; the command line may override it, which cannot be seen from here."""
    path = ROOT / ".streamlit" / "config.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
