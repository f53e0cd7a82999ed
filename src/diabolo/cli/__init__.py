"""The command line: `diabolo VERB ...`."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from diabolo.cli.commands import COMMANDS, command, overview
from diabolo.cli.parser import Parser
from diabolo.cli.show import Show
from diabolo.errors import Diverged, Mistake, unknown

DONE, FAILED, MISTAKE, INTERRUPTED, ENDED = 0, 1, 2, 130, 143


class Ended(KeyboardInterrupt):
    """A scheduler, or `timeout`, asked the process to end."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 2 the user's mistake (a line on stderr), 130 interrupted, 143 ended, 1 anything else."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    show = Show(quiet="--json" in arguments)
    try:
        with _told_to_end():
            result = _run(arguments, show)
        if "--json" in arguments and result is not None and show.leading:
            print(json.dumps(result))
        sys.stdout.flush()  # here, where a full disk or a closed pipe can still be told of
        return INTERRUPTED if result and result.get("interrupted") else DONE
    except Mistake as mistake:
        return _fail(show, str(mistake), MISTAKE)
    except Diverged as error:
        return _fail(show, str(error), FAILED)
    except Ended:
        return _fail(show, "ended by SIGTERM", ENDED)
    except KeyboardInterrupt:
        return _fail(show, "interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        _silence()
        return FAILED
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exc()
        text = str(error).strip().splitlines()
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _silence()  # what is still to be printed has no room either
        return _fail(show, f"{type(error).__name__}: {text[0] if text else ''} (--debug shows where)", FAILED)
    finally:
        show.close()


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """Within this block SIGTERM ends the work as Ctrl-C does, so that nothing half-written is left behind."""
    process = os.getpid()

    def end(signum: int, frame: Any) -> None:
        signal.signal(signum, signal.SIG_DFL)  # a second one does not wait
        if os.getpid() != process:  # a worker, which has nothing to clear away
            os.kill(os.getpid(), signum)
        raise Ended

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _run(arguments: list[str], show: Show) -> dict[str, Any] | None:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return None
    if arguments[0] == "--version":
        import diabolo

        print(f"diabolo {diabolo.__version__}")
        return None
    verb, *rest = arguments
    if verb not in COMMANDS:
        raise unknown("command", verb, COMMANDS)
    module = command(verb)
    parser = Parser(module)
    module.add(parser, rest) if getattr(module, "NEEDS_ARGUMENTS", False) else module.add(parser)
    return module.run(parser.parse(rest), show)


def _silence() -> None:
    """Send what is left on stdout nowhere, so that the interpreter does not stumble over it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(show: Show, text: str, code: int) -> int:
    show.close()
    print(f"diabolo: {text}", file=sys.stderr)
    return code
