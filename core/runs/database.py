"""The SQLite file beside the runs, for speed and for claims in one transaction. Nothing is kept in it alone.

Whoever uses it makes its table when it is missing, from the run folders. A file that is damaged is put aside and made anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core.settings import artifacts_dir

Result = TypeVar("Result")

PATIENCE = 20.0  # seconds that a transaction waits for others
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def use(work: Callable[[sqlite3.Connection], Result], writes: bool = True) -> Result:
    """`work` in one transaction, begun again on a new file where this one is damaged. One that writes is alone in doing so.

    Raises:
        sqlite3.OperationalError: others held it for longer than `PATIENCE`, or the disk is full. The file stays as it is.
    """
    try:
        return _once(work, writes)
    except sqlite3.DatabaseError as error:
        if not _damaged(error):
            raise
    _put_aside()
    return _once(work, writes)


def path() -> Path:
    return artifacts_dir() / "index.sqlite"


def stamp() -> tuple[object, ...]:
    """What is another one as soon as the file is another, or was written to; empty where there is none."""
    try:
        found = path().stat()
    except OSError:
        return ()
    return path(), found.st_ino, found.st_mtime_ns, found.st_size


def has_columns(connection: sqlite3.Connection, table: str, columns: list[str]) -> bool:
    """Whether `table` is there with just these columns: another version may have written it."""
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] == columns


def _once(work: Callable[[sqlite3.Connection], Result], writes: bool) -> Result:
    path().parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path(), timeout=PATIENCE, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes from the log stands in the folders
        connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        try:
            result = work(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return result
    finally:
        connection.close()


def _damaged(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE  # the low byte is the kind, the rest says more


def _put_aside() -> None:
    """Once, however many found the damage at the same time."""
    from filelock import FileLock

    with FileLock(path().with_suffix(".lock")):
        if not _sound():
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path()}{suffix}").unlink(missing_ok=True)


def _sound() -> bool:
    try:
        return _once(lambda connection: connection.execute("PRAGMA quick_check").fetchall(), writes=False) == [("ok",)]
    except sqlite3.DatabaseError as error:
        if _damaged(error):
            return False
        raise
