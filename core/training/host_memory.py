"""What a training on the processor frees stays with the process, for its next step.

The C library gives large blocks (32 MB and more, with glibc) back to the system as soon as they are free, and gets them anew for the next
step; the system clears every page of them first. Of a step of ResNet-18 at 224 that was a fifth.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

# Numbers of glibc's malloc.h. What is set at the end is what its thresholds grow to by themselves.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4
_MEBIBYTE = 2**20
_KEEPING = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 64 * _MEBIBYTE}
_GIVING_BACK = {_MMAP_MAX: 65536, _MMAP_THRESHOLD: 32 * _MEBIBYTE, _TRIM_THRESHOLD: 64 * _MEBIBYTE, _TOP_PAD: 128 * 1024}


@contextmanager
def kept() -> Iterator[None]:
    """While this is open, freed memory is not given back; at the end all of it is. Without glibc (macOS, Windows, musl) nothing changes."""
    library = _glibc()
    if library is None:
        yield
        return
    _set(library, _KEEPING)
    try:
        yield
    finally:
        _set(library, _GIVING_BACK)
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
    except TypeError:  # Windows names its libraries
        return None
    return library if hasattr(library, "gnu_get_libc_version") else None


def _set(library: ctypes.CDLL, options: dict[int, int]) -> None:
    for option, value in options.items():
        library.mallopt(option, value)
