"""Shared by all commands: the app, the terminal, and how an error is shown."""

from __future__ import annotations

import _thread
import errno
import os
import signal
import sys
import tempfile
import threading
import warnings
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from bakeoff.errors import BakeoffError
from bakeoff.version import __version__

__all__ = ["app", "console", "counted", "has_display", "main", "open_page", "show"]

app = typer.Typer(
    name="bakeoff",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Train several kinds of picture classifier on your labelled pictures, "
    "and learn which one to trust and where each fails.",
    epilog="`bakeoff COMMAND --help` has examples. `--debug` anywhere shows an error's traceback.",
)

console = Console(highlight=False)


@contextmanager
def counted(words: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left, until the end; gives what to call with (done, of all)."""
    with Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task(words, total=None)
        yield lambda done, of: progress.update(bar, completed=done, total=of)


# What a user can change: a full or damaged disk, or one without access.
FIXABLE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO),
    *(errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG),
}
FORMER_OPTIONS = {
    "--brittleness": "--robustness",
    "--no-brittleness": "--no-robustness",
}


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"bakeoff {__version__}")
        raise typer.Exit


@app.callback()
def _bakeoff(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; errors that users can fix are one sentence and exit code 2."""
    debug = "--debug" in sys.argv
    arguments = [_current(argument) for argument in sys.argv[1:] if argument != "--debug"]
    warnings.showwarning = _show_warning
    _end_like_ctrl_c()
    try:
        app(arguments)
    except BakeoffError as error:
        if debug:
            raise
        _errors().print(f"bakeoff: {error}", markup=False)
        sys.exit(2)
    except ModuleNotFoundError as error:
        package = (error.name or "bakeoff").partition(".")[0]
        if debug or package == "bakeoff":
            raise
        problem = f"needs {package}, which is not installed"
        refusal = BakeoffError("this command", problem, "pip install 'bakeoff[train]' brings it")
        _errors().print(f"bakeoff: {refusal}", markup=False)
        sys.exit(2)
    except OSError as error:
        if debug or error.errno not in FIXABLE:
            raise
        _errors().print(f"bakeoff: {_of_the_disk(error)}", markup=False)
        sys.exit(2)


def _end_like_ctrl_c() -> None:
    """Let a polite signal to end, or a terminal that is closed, end a command as Ctrl-C does.

    It then stops its workers and removes temporary files, and a run can be resumed.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        return  # which alone may change signals
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # not with nohup
            signal.signal(number, interrupt)
            if name == "SIGTERM":
                sys.unraisablehook = partial(_not_lost, usual=sys.unraisablehook)


def _not_lost(
    ignored: sys.UnraisableHookArgs, usual: Callable[[sys.UnraisableHookArgs], object]
) -> None:
    """Interrupt again where Python ignores it: in a destructor, or when a weak reference ends.

    Else the command would go on, and print a traceback.
    """
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        usual(ignored)
        return
    again = threading.Timer(0.1, _thread.interrupt_main, [signal.SIGTERM])
    again.daemon = True
    again.start()


def _of_the_disk(error: OSError) -> BakeoffError:
    """What the disk refuses, in words."""
    return BakeoffError(
        str(error.filename or tempfile.gettempdir()),
        f"cannot be read or written ({error.strerror})",
        "Make room or give access. What a run has finished is safe: bakeoff run --resume RUN "
        "continues it",
    )


def _current(argument: str) -> str:
    """The current name of an option; the former name works for one more release."""
    option, equals, value = argument.partition("=")
    if option not in FORMER_OPTIONS:
        return argument
    _errors().print(f"bakeoff: {option} is now called {FORMER_OPTIONS[option]}", markup=False)
    return f"{FORMER_OPTIONS[option]}{equals}{value}"


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,  # noqa: ARG001 - as Python calls it
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    """Print one line for a former name of a setting; other warnings are for developers."""
    if issubclass(category, FutureWarning):
        _errors().print(f"bakeoff: {message}", markup=False)


def _errors() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def show(page: Path, wanted: bool) -> None:
    """Print where the report is, and open it if there is a screen."""
    console.print(f"\nreport: {page}", markup=False, soft_wrap=True)
    open_page(page, wanted)


def open_page(page: Path, wanted: bool) -> None:
    """Open a page in the browser if there is a screen."""
    if wanted and has_display():
        webbrowser.open(page.resolve().as_uri())


def has_display() -> bool:
    """Whether there is a screen for a browser."""
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
