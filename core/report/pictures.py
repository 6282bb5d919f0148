"""A Plotly figure → a picture as a file has it, drawn by the Chrome or Chromium of this machine; nothing is fetched from a network."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from core.errors import CoreError

if TYPE_CHECKING:
    import plotly.graph_objects as go

LIMIT = 60.0  # seconds for starting the browser and drawing
CLOSING = 5.0  # seconds given to a browser to end by itself, before it is killed
WIDTH, HEIGHT = 900, 500  # pixels, where neither the caller nor the figure says


def png(figure: go.Figure, width: int | None = None, height: int | None = None, scale: float = 2.0) -> bytes:
    """`figure` on white as PNG of `width` · `scale` by `height` · `scale` pixels; without a size it has the figure's own.

    Raises:
        CoreError: there is no browser, it cannot be started, or it takes longer than `LIMIT`.
    """
    return _drawn(figure, "png", width, height, scale)


def svg(figure: go.Figure, width: int | None = None, height: int | None = None) -> bytes:
    """`figure` on white as SVG, which stays sharp at any size; text stays text.

    Raises:
        CoreError: there is no browser, it cannot be started, or it takes longer than `LIMIT`.
    """
    return _drawn(figure, "svg", width, height, 1.0)


def _drawn(figure: go.Figure, kind: str, width: int | None, height: int | None, scale: float) -> bytes:
    import plotly.graph_objects as go

    copy = go.Figure(figure).update_layout(template="plotly_white")
    layout = copy.layout
    size = {"width": width or layout.width or WIDTH, "height": height or layout.height or HEIGHT}
    with ThreadPoolExecutor(1) as thread:  # an event loop of its own: the caller's thread may have one
        return thread.submit(asyncio.run, _by_browser(copy, {"format": kind, "scale": scale, **size})).result()


async def _by_browser(figure: go.Figure, options: dict[str, Any]) -> bytes:
    from kaleido import Kaleido
    from kaleido.errors import BrowserClosedError, BrowserFailedError, ChromeNotFoundError, KaleidoError

    try:
        browser = Kaleido(mathjax=False, timeout=None)  # MathJax would be fetched; the sandbox is off by default, which root needs
    except ChromeNotFoundError as error:
        raise CoreError(
            "A picture is drawn by Chrome or Chromium.",
            "none on this machine",
            f"Install Chromium (on Debian: apt-get install chromium), or {_BY_HAND}.",
        ) from error
    try:
        async with asyncio.timeout(LIMIT):
            await browser.open()
            return await browser.calc_fig(figure, opts=options)
    except (OSError, BrowserClosedError, BrowserFailedError, KaleidoError) as error:  # out of time, or its pipe was closed already
        raise CoreError(
            f"Chrome or Chromium starts and draws a picture within {LIMIT:g} s.",
            f"no picture ({type(error).__name__})",
            f"Try again when the machine is less busy, or {_BY_HAND}.",
        ) from error
    finally:
        with suppress(OSError):
            async with asyncio.timeout(CLOSING):
                await browser.close()


_BY_HAND = "use the camera in the figure’s corner"
