"""Help of a subcommand: what it does, and examples that can be typed as they stand."""

from __future__ import annotations

import argparse
import re
from typing import NoReturn

from defectra.core.errors import meant

_CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)")


class Parser(argparse.ArgumentParser):
    """A parser that suggests the nearest word for one that is no choice."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how the command is called, without a list of everything."""
        found = _CHOICE.search(message)
        if found:
            known = [word.strip(" '") for word in found.group(2).split(",")]
            message = f"{message}{meant(found.group(1), known)}"
        self.exit(2, f"{self.prog}: {message}\n`{self.prog} --help` has examples\n")


def positive(word: str) -> int:
    """A whole number of at least one.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    if not word.isdecimal() or not int(word):
        raise argparse.ArgumentTypeError(f"a whole number above 0 is expected, not {word!r}")
    return int(word)


def command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    *examples: str,
) -> argparse.ArgumentParser:
    """Add a subcommand.

    Parameters
    ----------
    text
        What it does, in a line.
    examples
        Command lines, at least one.
    """
    if not examples:
        raise ValueError(f"command {name}: an example is missing")
    shown = "\n".join(f"  {example}" for example in examples)
    return commands.add_parser(
        name,
        help=text,
        description=f"{text[:1].upper()}{text[1:]}.",
        epilog=f"examples:\n{shown}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
