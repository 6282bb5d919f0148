"""`python -m benchmarks VERB …`: what is slow, what is quick, and against whom. Run each alone, on an idle machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.errors import CoreError

HERE = Path(__file__).resolve().parent
app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, help=__doc__)
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1 …")]
Out = Annotated[Path, typer.Option(help="The JSON file to write.")]


@app.command()
def training(
    work: Annotated[list[str] | None, typer.Option(help="What to train; may be given several times. All by default; see --list.")] = None,
    peer: Annotated[list[str] | None, typer.Option(help="Against whom; may be given several times. All by default; see --list.")] = None,
    data: Annotated[Path | None, typer.Option(help="A folder of class folders, for works on given files.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Trainings of each participant.")] = 3,
    images: Annotated[
        int | None, typer.Option(help="Images; each work has its own number by default. Drawn ones: a multiple of 4.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs; each work has its own number by default.")] = None,
    batch: Annotated[int | None, typer.Option(min=2, help="Images a step; each work has its own number by default.")] = None,
    timm: Annotated[Path | None, typer.Option(help="A checkout of huggingface/pytorch-image-models (holds train.py).")] = None,
    torchvision: Annotated[Path | None, typer.Option(help="references/classification of pytorch/vision (holds train.py).")] = None,
    python: Annotated[str, typer.Option(help="The peers’ interpreter; see benchmarks/requirements.txt.")] = sys.executable,
    workers: Annotated[int | None, typer.Option(help="DataLoader processes of each peer; as many as cores by default, 16 at most.")] = None,
    device: Device = "cpu",
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A field of our recipe.")] = None,
    home: Annotated[Path | None, typer.Option(help="Where drawn images and logs are kept; artifacts/benchmarks by default.")] = None,
    out: Out = Path("training.json"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Everything once, on some 60 small images and for one epoch: does it run?")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Name the works and the peers, and end.")] = False,
) -> None:
    """Whole trainings, ours and peers', on the same files: wall time from start to exit, peer ÷ ours."""
    from benchmarks import report
    from benchmarks.training import compare, peers, works

    if list_:
        _say("\n".join(["works:", *(f"  {name}" for name in works.names()), "peers:", *(f"  {name}" for name in peers.PEERS)]))
        return
    paths = {name: path.resolve() if path else None for name, path in (("timm", timm), ("torchvision", torchvision))}
    workers = workers if workers is not None else min(16, os.cpu_count() or 1)
    setting = peers.Setting(device, python, workers, **paths, extra=tuple(set_ or ()))
    choice = {"works": tuple(work or ()), "peers": tuple(peer or ()), "data": data.resolve() if data else None, "home": home}
    if quick:
        plan = compare.quick(setting, **choice)
    else:
        plan = compare.Plan(setting, images=images, epochs=epochs, batch_size=batch, repeats=repeats, **choice)
    content = compare.run(plan, out, _say)
    _say("\n" + report.console(content))


@app.command()
def draw(
    images: Annotated[int, typer.Option()] = 1124,
    size: Annotated[int, typer.Option(help="Pixels a side.")] = 1024,
    home: Annotated[Path | None, typer.Option(help="As for `training`.")] = None,
) -> None:
    """Draw the phantom PNGs of `training` beforehand; it takes about a core-second each at 1,024 px."""
    from benchmarks.training import compare

    _say(str(compare.draw(home, images, size, _say)))


@app.command()
def accuracy(
    data: Annotated[Path, typer.Option(help="A folder of class folders.")],
    model: Annotated[str, typer.Option()] = "resnet18",
    epochs: Annotated[int, typer.Option(min=1)] = 10,
    seeds: Annotated[int, typer.Option(min=2)] = 5,
    image_size: Annotated[int, typer.Option(help="Pixels.")] = 224,
    device: Device = "cpu",
    out: Out = Path("accuracy.json"),
) -> None:
    """The same recipe in fast and in reference mode: the mean difference of test accuracy with a paired interval."""
    from benchmarks import accuracy as comparison
    from benchmarks import report
    from core.files import write_json

    content = comparison.run(data.resolve(), model, epochs, seeds, image_size, device, _say)
    write_json(out, content)
    _say(report.accuracy_sentence(content))


@app.command()
def memory(
    images: Annotated[int, typer.Option(min=40)] = 21_165,
    size: Annotated[int, typer.Option(help="Pixels a side.")] = 224,
    model: Annotated[str, typer.Option()] = "alasfoor-cnn22",
    device: Device = "cpu",
    out: Out = Path("memory.json"),
) -> None:
    """One epoch on many images: resident memory beyond the mapped cache of decoded images (Linux alone)."""
    from benchmarks import memory as measurement
    from core.files import write_json

    write_json(out, measurement.run(images, size, model, device, _say))


@app.command()
def report(
    results: Annotated[list[Path], typer.Argument(help="JSON files of the other verbs; later ones replace earlier ones’ works.")],
    out: Annotated[Path, typer.Option()] = HERE / "RESULTS.md",
) -> None:
    """Write the table of all results as Markdown. Rows that no file has stay as they are."""
    from benchmarks import report as reports
    from core.files import write_text

    before = out.read_text(encoding="utf-8") if out.exists() else ""
    write_text(out, reports.markdown([reports.read(path) for path in results], before))
    _say(str(out))


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    try:
        return app(arguments, prog_name="python -m benchmarks", standalone_mode=False) or 0
    except CoreError as error:
        sys.stderr.write(f"Error: {error}\n")
        return error.exit_code
    except typer.TyperException as error:
        sys.stderr.write(f"Error: {error.format_message()}\n")
        return error.exit_code


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
