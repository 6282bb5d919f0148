"""Two visitors of the real app, over its websocket."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.load import content, server
from benchmarks.load.plan import Visit
from benchmarks.load.visitors import Seen, Visitor


@pytest.fixture
def app(tmp_path: Path):
    (tmp_path / "load").mkdir()
    with server.running(tmp_path / "load") as app:
        yield app


def test_visitors_get_their_pages_with_all_that_lives_on_them_and_what_is_not_there_is_an_error(app):
    people, lost = Seen(), Seen()

    async def browse() -> None:
        walks = ([Visit(""), Visit("guide", {"part": "glossary"})], [Visit("queue"), Visit("papers", think=0.1)])
        await asyncio.gather(*(Visitor(app.address, content.picture(), people).stay(iter(walk), len(walk)) for walk in walks))
        queue = Visitor(app.address, content.picture(), people)
        watched = asyncio.create_task(queue.stay(iter([Visit("queue", think=600)]), 1))
        while not people.live_runs:  # its first live part is due after two seconds
            assert not watched.done()
            await asyncio.sleep(0.05)
        watched.cancel()
        await Visitor(app.address, content.picture(), lost).stay(iter([Visit("nowhere")]), 1)

    with ThreadPoolExecutor(1) as apart:  # a browser that other tests drive has a loop in this thread
        apart.submit(asyncio.run, browse()).result()
    assert people.errors == people.refusals == []
    assert sorted(change.page for change in people.changes) == ["", "guide", "papers", "queue", "queue"]
    assert sorted(change.kind for change in people.changes) == ["changed", "changed", "opened", "opened", "opened"]
    assert people.sessions == 3
    assert lost.errors == ["nowhere?: page not found"]
