"""A network's answers about images → a page that prints on one A4 sheet an image, the page as PDF, rows for a spreadsheet.

It knows plain values and pictures as PNG: neither networks nor how an answer came about.
"""

from __future__ import annotations

import asyncio
import base64
import io
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

from core import wording
from core.errors import CoreError, InvalidSpec, UnusableRun, UsageError
from core.report import pictures
from core.report.tables import Table
from core.runs.store import PROBABILITY, Run

if TYPE_CHECKING:
    import numpy as np

LONGEST = 1_000
"""Pixels of a picture's longer side: half the width of A4 at 300 dots an inch."""
LARGEST_PAGE = 90_000_000
"""Characters of a page that a browser is handed in one message, which has at most 100 MiB."""


@dataclass(frozen=True)
class Origin:
    """The run that answered, as others may see it; what is unknown is empty."""

    network: str
    run_id: str
    recipe_id: str
    data: str  # the set it was trained on
    accuracy: str = ""  # of the test part, with its 95 % interval and number of images
    split: str = ""  # the split's kind
    software: str = ""  # that trained it, with versions
    cautions: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: Run) -> Origin:
        """Read from `run`'s folder, as it was stored. Raises UnusableRun where it has no recipe or no status."""
        recipe, result, environment = run.recipe(), run.status().result or {}, run.environment()
        accuracy = ""
        if "accuracy" in result:
            low, high = (result.get(f"accuracy_{bound}", math.nan) for bound in ("low", "high"))
            accuracy = f"{wording.estimate('accuracy', result['accuracy'], low, high)} of {wording.count(int(result['images']), 'image')}"
        versions = {"CXR Lab": environment.get("cxr_lab"), "torch": environment.get("packages", {}).get("torch")}
        split, cautions = _split(run)
        return cls(
            network=_title(recipe.model),
            run_id=run.id,
            recipe_id=recipe.id,
            data=recipe.data.title,
            accuracy=accuracy,
            split=split,
            software=", ".join(f"{name} {version}" for name, version in versions.items() if version),
            cautions=(*recipe.cautions, *((wording.SYNTHETIC_NOTE,) if recipe.data.synthetic else ()), *cautions),
        )


@dataclass(frozen=True)
class AnswerRecord:
    """One answer about one image, and all that must stand beside it. Pictures are PNG files (see `picture`)."""

    origin: Origin
    image: str  # the file's name; folders before it are never shown
    label: str
    probabilities: Mapping[str, float]  # class → 0…1
    read: bytes  # the image as it was read
    answered: float  # Unix time
    heat_map: bytes = b""  # laid over the image as the network saw it; empty: none was made
    method: str = ""  # of the heat map, as a person reads it: "Grad-CAM"
    explained: str = ""  # the class that the heat map speaks for, where its method knows one
    peak: str = ""  # the map's largest value with its unit: "3.2 units of the logit"
    positive: str = ""  # the class that `threshold` decides on
    threshold: float | None = None  # probability from which the image is called `positive`
    temperature: float | None = None  # by which the probabilities were calibrated; None: they are as the network states them
    findings: tuple[str, ...] = ()  # reasons to doubt that the network can answer at all, sentences
    warnings: tuple[str, ...] = ()  # what the reader noticed about the file, and more of the kind

    @property
    def name(self) -> str:
        """The file's name alone, whichever system's folders stood before it."""
        return PureWindowsPath(self.image).name or "image"

    @property
    def called(self) -> bool | None:
        """Whether the image is called `positive`; None without a threshold."""
        return None if self.threshold is None else self.probabilities[self.positive] >= self.threshold

    @property
    def facts(self) -> dict[str, str]:
        """What answered, and when, by the name of the fact."""
        origin = self.origin
        facts = {
            "Network": origin.network,
            "Trained on": origin.data,
            "Test accuracy": origin.accuracy,
            "Split": origin.split,
            "Run": origin.run_id,
            "Recipe": origin.recipe_id,
            "Trained with": origin.software,
            "Answered": wording.moment(self.answered),
        }
        return {name: text for name, text in facts.items() if text}


def page(answers: Sequence[AnswerRecord]) -> str:
    """One HTML file that opens anywhere, without network: an answer a section, and a sheet of its own when printed.

    Raises:
        InvalidSpec: no answer; a label or threshold for a class that has no probability.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    _refuse_misfits(answers)
    templates = Environment(
        loader=PackageLoader("core.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    overview = Table([_overview(number, answer) for number, answer in enumerate(answers, start=1)]) if len(answers) > 1 else None
    return templates.get_template("answer.html").render(
        answers=answers, overview=overview, wording=wording, medical_note=wording.MEDICAL_NOTE, uri=_uri
    )


def table(answers: Sequence[AnswerRecord]) -> list[dict[str, Any]]:
    """A row an answer, without pictures, for `core.report.tables`; a class that a network does not know is None in its row."""
    classes = list(dict.fromkeys(name for answer in answers for name in answer.probabilities))
    return [
        {
            "image": answer.name,
            "label": answer.label,
            **{PROBABILITY + name: answer.probabilities.get(name) for name in classes},
            "temperature": answer.temperature,
            "positive": answer.positive or None,
            "threshold": answer.threshold,
            "called": answer.called,
            "findings": " ".join(answer.findings),
            "warnings": " ".join(answer.warnings),
            "network": answer.origin.network,
            "data": answer.origin.data,
            "test_accuracy": answer.origin.accuracy,
            "run_id": answer.origin.run_id,
            "recipe_id": answer.origin.recipe_id,
            "answered": datetime.fromtimestamp(answer.answered).astimezone().isoformat(timespec="seconds"),
        }
        for answer in answers
    ]


def picture(pixels: np.ndarray) -> bytes:
    """Greys or colours, uint8 [height, width] or [height, width, 3], as a PNG file of at most `LONGEST` pixels a side."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((LONGEST, LONGEST))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def pdf(html: str) -> bytes:
    """A page of `page` as Chrome or Chromium of this machine prints it; nothing is fetched from a network.

    Raises:
        CoreError: there is no browser, it cannot be started, or it takes longer than `pictures.LIMIT`; the page is too large.
    """
    if len(html) > LARGEST_PAGE:
        raise CoreError(
            f"A page of up to {LARGEST_PAGE / 1e6:.0f} MB becomes a PDF.",
            f"{len(html) / 1e6:.0f} MB",
            f"Take fewer answers, or {_BY_HAND}.",
        )
    with ThreadPoolExecutor(1) as thread:  # an event loop of its own: the caller's thread may have one
        return thread.submit(asyncio.run, _printed(html)).result()


async def _printed(html: str) -> bytes:
    from choreographer import Browser
    from choreographer.errors import BrowserClosedError, BrowserFailedError, ChannelClosedError, ChromeNotFoundError

    try:
        browser = Browser(headless=True)
    except ChromeNotFoundError as error:
        way_out = f"Install Chromium (on Debian: apt-get install chromium), or {_BY_HAND}."
        raise CoreError("A PDF is printed by Chrome or Chromium.", "none on this machine", way_out) from error
    try:
        async with asyncio.timeout(pictures.LIMIT):
            await browser.open()
            tab = await browser.create_tab("about:blank")
            return await _print(tab, html)
    except (TimeoutError, BrowserClosedError, BrowserFailedError, ChannelClosedError) as error:
        raise CoreError(
            f"Chrome or Chromium starts and prints a page within {pictures.LIMIT:g} s.",
            f"no PDF ({type(error).__name__})",
            f"Try again when the machine is less busy, or {_BY_HAND}.",
        ) from error
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(pictures.CLOSING):
                await browser.close()


async def _print(tab: Any, html: str) -> bytes:
    """Through the DevTools protocol; `tab` is choreographer's. In an empty page of no origin, so that no file can be reached."""
    frame = (await tab.send_command("Page.getFrameTree"))["result"]["frameTree"]["frame"]["id"]
    await tab.send_command("Page.setDocumentContent", {"frameId": frame, "html": html})
    decoded = "Promise.all([...document.images].map(image => image.decode().catch(() => null))).then(() => true)"
    await tab.send_command("Runtime.evaluate", {"expression": decoded, "awaitPromise": True})
    printed = await tab.send_command("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
    if "error" in printed:
        raise CoreError("Chrome or Chromium prints the page.", printed["error"].get("message", "an error"), f"Instead, {_BY_HAND}.")
    return base64.b64decode(printed["result"]["data"])


def _split(run: Run) -> tuple[str, tuple[str, ...]]:
    """The kind of `run`'s split, and what is to be feared of it; nothing where none was stored."""
    from core.report.record import UNGROUPED_CAUTION

    try:
        kind, grouped = run.split_kind(), bool((run.split()["patient_id"] != "").any())
    except UnusableRun:
        return "", ()
    return kind, (() if grouped or run.recipe().copies.before_split else (UNGROUPED_CAUTION,))


def _title(model: str) -> str:
    from core.models import registry

    try:
        return registry.get(model).title
    except UsageError:  # a run from a machine whose timm has other networks
        return model


def _refuse_misfits(answers: Sequence[AnswerRecord]) -> None:
    if not answers:
        raise InvalidSpec("A page has at least one answer.", "none", "Let a network answer first.")
    for answer in answers:
        needed = {answer.label} | ({answer.positive} if answer.threshold is not None else set())
        if not needed <= answer.probabilities.keys():
            received = f"{answer.name}: {', '.join(sorted(needed - answer.probabilities.keys()))!r} without one"
            raise InvalidSpec("Every class that is named has a probability.", received, "Give one for each class.")


def _overview(number: int, answer: AnswerRecord) -> dict[str, str]:
    """A line of the list before several answers."""
    return {
        "": str(number),
        "Image": answer.name,
        "Answer": answer.label,
        "Probability": wording.percent(answer.probabilities[answer.label]),
        "Network": answer.origin.network,
        "To beware of": wording.count(len(answer.findings) + len(answer.warnings), "remark"),
    }


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


_BY_HAND = "open the page in a browser and print it from there"
