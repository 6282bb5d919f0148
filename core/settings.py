"""The settings of this machine, in one place: the environment first, then `.streamlit/secrets.toml`, then what stands here.

They are read anew when the environment or a file changes, so that a test or a second app may point elsewhere and a role that is taken
away ends at once. The app and every process that it starts read the same files; `CXRLAB_SECRETS` names others.

    [cxrlab]
    artifacts = "/data/cxrlab"
    upload_mb = 500

    [access]
    admins = ["a.person@example.org"]
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from core import setting_values as values
from core.errors import InvalidSpec, Problem

ROOT = Path(__file__).resolve().parents[1]
FILES = "CXRLAB_SECRETS"
"""Environment variable with the files to read, as PATH separates them; later ones go before earlier ones, a section at a time."""
COOKIE_SECRET = 32  # characters, at least: whoever guesses it can sign in as anybody
_CLIENT = ("client_id", "client_secret", "server_metadata_url")


@dataclass(frozen=True)
class Setting:
    """One setting: where it stands in the file, what it is without, how a value is read, and what a value must be."""

    name: str  # also of the field of Settings
    section: str
    default: Any
    read: values.Reader
    rule: str
    about: str

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"CXRLAB_{self.name.upper()}"


_UP_TO_10_000 = "a whole number from 1 to 10,000"

SETTINGS = (
    Setting("artifacts", "cxrlab", ROOT / "artifacts", values.folder, "a folder", "runs, data sets, caches and the index"),
    Setting("upload_mb", "cxrlab", 200, values.whole(1, 10_000), _UP_TO_10_000, "megabytes that one uploaded file may hold"),
    Setting("devices", "cxrlab", ("auto",), values.devices, "auto, or devices such as cpu, cuda:0", "devices that trainings may use"),
    Setting("jobs_per_device", "cxrlab", 1, values.whole(1, 16), "a whole number from 1 to 16", "trainings at the same time on one device"),
    Setting("queued_jobs", "access", 20, values.whole(1, 10_000), _UP_TO_10_000, "runs that one person may have unfinished"),
    Setting("storage_gb", "access", 50.0, values.number(0.001), "a number above 0", "gigabytes of one person's runs and data sets"),
    Setting("admins", "access", (), values.emails, "a list of e-mail addresses", "people who may do everything"),
    Setting("operators", "access", (), values.emails, "a list of e-mail addresses", "people who may train and import"),
    Setting("default_role", "access", "viewer", values.one_of("none", "viewer", "operator"), "none, viewer or operator", "everybody else"),
    Setting("visibility", "access", "shared", values.one_of("shared", "private"), "shared or private", "a new run's visibility"),
    Setting("import_folders", "access", (), values.folders, "a list of folders", "folders that operators may name, with all in them"),
    Setting("trust_email", "access", False, values.flag, "true or false", "believe e-mails that the provider does not call verified"),
)  # fmt: skip
_VARIABLES = [setting.variable for setting in SETTINGS]
_SECTIONS = {"cxrlab", "access"}


@dataclass(frozen=True)
class Settings:
    """Every setting by its name; see `SETTINGS`."""

    artifacts: Path
    upload_mb: int
    devices: tuple[str, ...]
    jobs_per_device: int
    queued_jobs: int
    storage_gb: float
    admins: tuple[str, ...]
    operators: tuple[str, ...]
    default_role: str
    visibility: Literal["shared", "private"]
    import_folders: tuple[Path, ...]
    trust_email: bool
    providers: tuple[str, ...]  # of identity; "" is the one without a name; empty where nobody signs in

    @property
    def login(self) -> bool:
        """Whether people sign in. Without, whoever reaches the app is at the machine itself."""
        return bool(self.providers)


def current() -> Settings:
    """The settings as they are now.

    Raises:
        InvalidSpec: with all that is wrong in the environment and the files.
    """
    variables = tuple(map(os.environ.get, _VARIABLES))
    return _checked(variables, tuple((path, _stamp(path)) for path in _names()))


def artifacts_dir() -> Path:
    """The folder for runs, data sets, caches and the index."""
    return current().artifacts


def recorded_dir() -> Path:
    """The folder of the records that came with the project, which are only read: `CXRLAB_RECORDED`, or `artifacts/recorded/` there."""
    chosen = os.environ.get("CXRLAB_RECORDED")
    return Path(chosen).expanduser().resolve() if chosen else ROOT / "artifacts" / "recorded"


def files() -> tuple[Path, ...]:
    """The files that settings are read from, whether they exist or not: as Streamlit has them, unless others are named."""
    return tuple(map(Path, _names()))


def follow(paths: Sequence[str]) -> None:
    """Read these files from now on, here and in every process that is started from here."""
    os.environ[FILES] = os.pathsep.join(str(Path(path).absolute()) for path in paths)


def _names() -> tuple[str, ...]:
    return _named(os.environ.get(FILES), os.environ.get("HOME"))


@lru_cache(maxsize=8)
def _named(files: str | None, _home: str | None) -> tuple[str, ...]:
    """By the two variables that they hang on, of which `_home` is asked by pathlib itself."""
    if files:
        return tuple(str(Path(path).expanduser()) for path in files.split(os.pathsep) if path)
    return str(Path.home() / ".streamlit" / "secrets.toml"), str(ROOT / ".streamlit" / "secrets.toml")


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116  asked for at every call, of which there are many
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=8)
def _checked(variables: tuple[str | None, ...], stamped: tuple[tuple[str, tuple[int, int] | None], ...]) -> Settings:
    content, problems = _content([Path(path) for path, stamp in stamped if stamp])
    found: dict[str, Any] = {}
    for setting, text in zip(SETTINGS, variables, strict=True):
        section = content.get(setting.section)
        given = text if text else section.get(setting.name) if isinstance(section, Mapping) else None
        place = setting.variable if text else f"{setting.name} in [{setting.section}]"
        try:
            found[setting.name] = setting.default if given is None else setting.read(given)
        except ValueError as error:
            way_out = f"Correct it, or leave it out for {values.shown(setting.default)}."
            problems.append(Problem(f"{place} ({setting.about}) is {setting.rule}.", str(error), way_out))
    problems += [*_misspelt(content), *_auth_problems(content)]
    if problems:
        raise InvalidSpec.of(problems)
    return Settings(**found, providers=_providers(content.get("auth")))


def _content(paths: Sequence[Path]) -> tuple[dict[str, Any], list[Problem]]:
    content: dict[str, Any] = {}
    problems = []
    for path in paths:
        if path.is_dir():  # Streamlit takes folders of secrets as well; settings do not stand in such
            continue
        try:
            content |= tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:  # the message of either holds no value of the file
            problems.append(Problem("Settings are a TOML file that the app may read.", f"{path} ({error})", "Correct the file."))
    return content, problems


def _misspelt(content: Mapping[str, Any]) -> list[Problem]:
    """Keys that mean nothing here, which a person took for settings."""
    problems = []
    for section in sorted(_SECTIONS & content.keys()):
        names = [setting.name for setting in SETTINGS if setting.section == section]
        if not isinstance(content[section], Mapping):
            problems.append(
                Problem(f"[{section}] is a section with settings.", f"{section} = …", f"Write [{section}] on a line of its own.")
            )
            continue
        for name in sorted(content[section].keys() - set(names)):
            near = get_close_matches(name, names, n=1)
            way_out = f"Did you mean {near[0]}?" if near else "Remove it."
            problems.append(Problem(f"[{section}] has the settings {', '.join(names)}.", name, way_out))
    return problems


def _no_section(name: str) -> Problem:
    return Problem(f"[{name}] is a section with settings.", f"{name} = …", f"Write [{name}] on a line of its own.")


def _auth_problems(content: Mapping[str, Any]) -> list[Problem]:
    """What of [auth] would only be found when somebody signs in. No value of it is ever part of a message."""
    auth = content.get("auth")
    if auth is None:
        return []
    if not isinstance(auth, Mapping):
        return [_no_section("auth")]
    missing = [f"auth.{key}" for key in ("redirect_uri", "cookie_secret") if not auth.get(key)]
    named = {name: value for name, value in auth.items() if isinstance(value, Mapping) and name != "client_kwargs"}
    for prefix, client in {f"auth.{name}": value for name, value in named.items()}.items() or (("auth", auth),):
        missing += [f"{prefix}.{key}" for key in _CLIENT if not client.get(key)]
    way_out = "Write them as the provider and Streamlit's st.login ask for, or remove [auth]."
    problems = [Problem("Signing in needs all its settings.", f"no {', '.join(missing)}", way_out)] if missing else []
    if 0 < len(str(auth.get("cookie_secret", ""))) < COOKIE_SECRET:
        rule = f"cookie_secret in [auth] has at least {COOKIE_SECRET} characters: whoever guesses it can sign in as anybody."
        way_out = 'Take the output of python -c "import secrets; print(secrets.token_hex(32))".'
        problems.append(Problem(rule, f"{len(str(auth['cookie_secret']))} characters", way_out))
    return problems


def _providers(auth: Mapping[str, Any] | None) -> tuple[str, ...]:
    if auth is None:
        return ()
    named = tuple(name for name, value in auth.items() if isinstance(value, Mapping) and name != "client_kwargs")
    return (*(("",) if auth.get("client_id") else ()), *named)
