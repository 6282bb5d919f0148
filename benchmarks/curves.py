"""What thinning a long curve costs, and what it saves the browser: `python -m benchmarks.curves [--values N] [--points N]`.

A noisy curve of falling loss is thinned as the app does before it draws. Times are the median of several passes; the figure's size is that
of its JSON, which the browser receives. Also said: whether smallest and largest value and the marked epoch are still there.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import typer

from core import figures
from core.evaluation import history


def main(
    values: Annotated[int, typer.Option(help="Values of the curve.")] = 100_000,
    points: Annotated[int, typer.Option(help="Points kept.")] = 1_000,
    passes: Annotated[int, typer.Option(help="Times that each part is timed.")] = 9,
) -> None:
    x, y = np.arange(values) / 100, loss(values)
    best = int(values * 0.7)
    smoothing, means = timed(lambda: history.smooth(y, 0.9), passes)
    thinning, keep = timed(lambda: history.thin(x, y, points, [best]), passes)
    whole, before = timed(lambda: json_of(x, y, means), passes)
    drawn, after = timed(lambda: json_of(x[keep], y[keep], means[keep]), passes)
    kept = {int(y.argmin()), int(y.argmax()), best} <= set(keep.tolist())
    for line in (
        f"{values:,} values, {len(keep):,} points kept; extremes and marked epoch kept: {'yes' if kept else 'NO'}",
        f"smoothing {1e3 * smoothing:.1f} ms, thinning {1e3 * thinning:.1f} ms",
        f"figure's JSON {len(before) / 1e3:,.0f} kB → {len(after) / 1e3:,.0f} kB: {len(before) / len(after):.0f} times smaller",
        f"made in {1e3 * whole:.1f} ms → {1e3 * drawn:.1f} ms; with thinning {whole / (drawn + thinning):.1f} times faster",
    ):
        typer.echo(line)


def loss(values: int) -> np.ndarray:
    """A falling, noisy loss with rare spikes. float [values]"""
    rng = np.random.default_rng(0)
    falling = np.exp(-np.linspace(0, 4, values)) + 0.1
    return falling * rng.gamma(8, 1 / 8, values) + (rng.random(values) < 1e-4)


def json_of(x: np.ndarray, y: np.ndarray, smoothed: np.ndarray) -> str:
    return figures.overlay([figures.Series("run", figures.run_colours(["run"])["run"], x, y, smoothed)]).to_json()


def timed(work: Callable[[], Any], passes: int) -> tuple[float, Any]:
    """Median seconds of `work`, and what it returned last."""
    seconds = []
    for _ in range(passes):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result


if __name__ == "__main__":
    typer.run(main)
