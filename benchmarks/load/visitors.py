"""People without a browser: each is a session over the app's websocket that asks for pages, waits, looks and goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks.load import plan
from benchmarks.load.messages import Conversation
from benchmarks.load.plan import Visit

PATIENCE = 60.0  # seconds that a visitor waits for a page, which then counts as an error
XSRF = "_streamlit_xsrf"  # the cookie that has to come back with an upload


@dataclass(frozen=True)
class Change:
    """One page change, as it was seen from outside. Times in seconds, `at` as time.time has it."""

    at: float
    page: str
    seconds: float
    kind: str  # "opened": the first page of a session, connection included; "changed"; "uploaded": a file, until it was answered


@dataclass
class Seen:
    """What all visitors have seen so far; they share one."""

    changes: list[Change] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # exceptions shown, connections that broke, pages that never ended
    refusals: list[str] = field(default_factory=list)  # error boxes of the app's own
    live_runs: int = 0  # runs of live parts that were asked for
    sessions: int = 0


class Visitor:
    """One session, from the first page to the closed tab."""

    def __init__(self, address: str, upload: bytes, seen: Seen) -> None:
        """`address`: host and port; `upload`: a PNG file."""
        self._address, self._upload, self._seen = address, upload, seen
        self._talk = Conversation()
        self._due: dict[str, float] = {}  # fragment → when it runs next, on the monotonic clock
        self._fetched: set[str] = set()
        self._place = ""

    async def stay(self, visits: Iterator[Visit], pages: int) -> None:
        """Look at `pages` pages. What goes wrong is noted, and ends the stay."""
        self._seen.sessions += 1
        try:
            async with httpx.AsyncClient(base_url=f"http://{self._address}", timeout=PATIENCE) as self._http:
                await self._http.get("/_stcore/health")  # sets the cookie that uploads need
                begun = time.time()
                async with connect(f"ws://{self._address}/_stcore/stream", subprotocols=["streamlit"], max_size=None) as socket:
                    for number in range(pages):
                        await self._visit(socket, next(visits), begun if number == 0 else None)
        except (WebSocketException, httpx.HTTPError, OSError, TimeoutError) as error:
            self._note(f"{type(error).__name__}: {error}")

    async def _visit(self, socket: ClientConnection, visit: Visit, connecting: float | None) -> None:
        self._place = f"{visit.page}?{'&'.join(f'{name}={value}' for name, value in visit.query.items())}"
        begun = connecting or time.time()
        await socket.send(self._talk.open(visit.page, visit.query))
        await self._arrive(socket, visit, begun, "changed" if connecting is None else "opened")
        if visit.upload and self._talk.uploader:
            await self._give_a_file(socket, visit)
        await self._look(socket, visit.think)

    async def _arrive(self, socket: ClientConnection, visit: Visit, begun: float, kind: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self._talk.arrived:
                self._hear(await socket.recv())
        self._seen.changes.append(Change(begun, visit.page, time.time() - begun, kind))
        await self._fetch_pictures()

    async def _give_a_file(self, socket: ClientConnection, visit: Visit) -> None:
        """As a browser does: ask where to, send it there, tell the page."""
        begun, name = time.time(), "scan.png"
        await socket.send(self._talk.ask_for_upload(name))
        async with asyncio.timeout(PATIENCE):
            while not self._talk.upload_urls:
                self._hear(await socket.recv())
        url = self._talk.upload_urls[0].upload_url
        answer = await self._http.put(
            url, files={"file": (name, self._upload, "image/png")}, headers={"X-Xsrftoken": self._http.cookies.get(XSRF) or ""}
        )
        answer.raise_for_status()
        await socket.send(self._talk.show_upload(name, len(self._upload)))
        await self._arrive(socket, visit, begun, "uploaded")

    async def _look(self, socket: ClientConnection, seconds: float) -> None:
        """Stay on the page: live parts are asked for when their time has come, as a browser does by itself."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            self._due = {name: self._due.get(name, now + every) for name, every in self._talk.timers.items()}
            for name, when in self._due.items():
                if when <= now:
                    self._due[name] = max(when + self._talk.timers[name], now)
                    self._seen.live_runs += 1
                    await socket.send(self._talk.run_fragment(name))
            with suppress(TimeoutError):
                async with asyncio.timeout(min([end, *self._due.values()]) - time.monotonic()):
                    self._hear(await socket.recv())
        await self._fetch_pictures()

    def _hear(self, data: bytes | str) -> None:
        self._talk.hear(data if isinstance(data, bytes) else data.encode())
        for error in self._talk.errors:
            self._note(error)
        self._seen.refusals += [f"{self._place}: {refusal}" for refusal in self._talk.refusals]
        self._talk.errors, self._talk.refusals = [], []

    async def _fetch_pictures(self) -> None:
        """Those that this tab has not fetched yet."""
        for address in dict.fromkeys(self._talk.pictures):
            if address not in self._fetched:
                self._fetched.add(address)
                answer = await self._http.get(address)
                if answer.is_error:
                    self._note(f"{address}: {answer.status_code}")
        self._talk.pictures = []

    def _note(self, error: str) -> None:
        self._seen.errors.append(f"{self._place}: {error}")


async def browse(address: str, number: int, seed: int, there: plan.Content, think: tuple[float, float], upload: bytes, seen: Seen) -> None:
    """Visitor `number`'s place: whoever leaves is followed by somebody else, until this is cancelled. They come one after another."""
    await asyncio.sleep(number * think[1] / 30)
    visits = plan.walk(seed + number, there, think)
    for pages in plan.stays(seed + number):
        await Visitor(address, upload, seen).stay(visits, pages)
