"""`caffe COMMAND ...`: finds the command, reads its options, and says in words what went wrong."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence

from caffe_nb import __version__
from caffe_nb.cli.options import Parser, UsageError
from caffe_nb.errors import CaffeError, did_you_mean

COMMANDS = {
    "train": "train or fine-tune a net with a solver",
    "test": "run a net's outputs over some batches",
    "time": "time every layer, forward and backward",
    "device_query": "say what computes here",
    "warm_up": "compile all kernels ahead of their first use",
    "doctor": "open a net and say for each layer what it lacks",
    "modernize": "bring Python 2 layers to Python 3",
    "upgrade_net": "rewrite an old net, text or binary, in today's format",
    "upgrade_solver": "rewrite an old solver in today's format",
    "convert_imageset": "put a list of images into a database",
    "compute_image_mean": "compute the mean image of a database",
    "extract_features": "write blobs of a net into databases",
    "draw_net": "draw a net",
    "parse_log": "turn a training log into tables",
    "classify": "classify images",
}
"""Every command is a module of this package with `add_arguments(parser)` and `run(args)`."""

ALIASES = {
    "upgrade_net_proto_text": "upgrade_net",
    "upgrade_net_proto_binary": "upgrade_net",
    "upgrade_solver_proto_text": "upgrade_solver",
    "draw_net.py": "draw_net",
    "parse_log.py": "parse_log",
    "classify.py": "classify",
}
"""The names that Caffe's own tools had."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        0 when all went well, 1 when not, 2 for arguments that are not understood.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    name, rest = _split(words)
    if name is None:
        return _without_command(words)
    return _run(name, f"caffe {name.replace('_', '-')}", rest)


def _run(command: str, name: str, words: list[str]) -> int:
    try:
        module = importlib.import_module(f"caffe_nb.cli.{command}")  # the engine comes with it, which takes a while
        parser = Parser(name, module.__doc__ or "")
        module.add_arguments(parser)
        args = parser.parse(["--help"] if words[:1] == ["help"] else words)  # `caffe help train`
        return 0 if args is None else int(module.run(args) or 0)
    except UsageError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except CaffeError as error:
        print(f"{name}: {error}", file=sys.stderr)
        for note in getattr(error, "__notes__", ()):
            print(note, file=sys.stderr)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:  # `caffe ... | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"{name}: {error}", file=sys.stderr)
    except Exception as error:
        from caffe_nb.layers.frames import users_frames

        users = users_frames(error.__traceback__)
        traceback.print_exception(error if users is None else error.with_traceback(users))
    return 1


def _split(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the command and all other words; options may stand before it, as with Caffe."""
    for index, word in enumerate(words):
        name = ALIASES.get(word, word.replace("-", "_"))
        if name in COMMANDS and not word.startswith("-"):
            return name, words[:index] + words[index + 1 :]
    return None, words


def _without_command(words: list[str]) -> int:
    if words and words[0].lstrip("-") == "version":
        print(f"caffe_nb {__version__}")
        return 0
    if words and words[0].lstrip("-") not in ("help", "h"):
        known = [name.replace("_", "-") for name in COMMANDS]
        what = "option" if words[0].startswith("-") else "command"
        print(f"caffe: unknown {what} '{words[0]}'.{did_you_mean(words[0], known)} See: caffe --help", file=sys.stderr)
        return 2
    print(usage())
    return 0


def usage() -> str:
    """Return what `caffe --help` shows."""
    commands = "\n".join(f"  {name.replace('_', '-'):<20}{does}" for name, does in COMMANDS.items())
    return (
        f"usage: caffe COMMAND [options]\n\ncommands:\n{commands}\n\n"
        "Each takes --help. Options stand before or after the command, with one dash or two: -solver x, --solver=x."
    )
