"""`python -m core VERB …`: exit status 0 done, 1 the work failed, 2 wrong usage."""

from __future__ import annotations

import atexit
import os
import sys

import typer

from core import access, settings, waiting
from core.cli import benchmark, compare, data, doctor, experiments, jobs, output, recipes, runs, training
from core.errors import CoreError, UsageError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Train, compare and explain chest X-ray classifiers."
)
app.command()(training.demo)
app.add_typer(data.app, name="data")
app.command()(training.train)
for verb in (jobs.submit, jobs.jobs, jobs.work, jobs.cancel, jobs.pause, jobs.resume, jobs.move, jobs.delete, jobs.restore):
    app.command()(verb)
app.add_typer(experiments.app, name="experiments")
app.command()(runs.evaluate)
app.command()(runs.predict)
app.command()(runs.export)
app.command()(compare.compare)
app.add_typer(runs.app, name="runs")
models = typer.Typer(help="What can be trained.", no_args_is_help=True)
models.command("list")(training.models)
app.add_typer(models, name="models")
app.add_typer(recipes.app, name="recipes")
app.command()(doctor.doctor)
app.add_typer(benchmark.app, name="benchmark")


@app.callback()
def _main(context: typer.Context) -> None:
    """Train, compare and explain chest X-ray classifiers."""
    if context.invoked_subcommand != "doctor":  # which says what is wrong with them
        settings.current()


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    as_json = "--json" in arguments
    try:
        with access.acting(access.LOCAL):
            return app(arguments, prog_name="python -m core", standalone_mode=False) or 0
    except CoreError as error:
        return output.fail(error, as_json)
    except typer.TyperException as error:
        if error.exit_code != UsageError.exit_code:
            raise
        return output.fail(UsageError("The command line has its form.", error.format_message().rstrip("."), "See --help."), as_json)
    except typer.Abort:
        return 1


def _leave() -> None:
    """The last thing done, once the command has returned: what ends with the process needs no search for garbage, a second of it with
    torch loaded, nor libraries' reports of what that would have freed."""
    if status is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    waiting.briefly()
    status: int | None = None  # of what was interrupted: Python says it
    atexit.register(_leave)  # the first registered is the last called
    status = main(sys.argv[1:])
    sys.exit(status)
