"""Help of a subcommand: what it does, and examples that can be typed as they stand."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from defectra.core.errors import meant

_CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)")


class Parser(argparse.ArgumentParser):
    """A parser that suggests the nearest word for one that is no choice or no option."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As the parser that it extends; what is left over is refused by the subcommand."""
        chosen, left = self.parse_known_args(args, namespace)
        if left:
            own: Parser = getattr(chosen, "parser", self)
            options = re.findall(r"--[a-z][\w-]*", own.format_help())
            word = next((w for w in left if w.startswith("-")), left[0])
            near = meant(word.partition("=")[0], options) if word.startswith("--") else ""
            own.error(
                f"{word}: no option{near}" if word[0] == "-" else f"{word}: one word too many"
            )
        return chosen

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how the command is called, without a list of everything."""
        message = message.replace("the following arguments are required:", "not given:")
        found = _CHOICE.search(message)
        if found:
            known = [word.strip(" '") for word in found.group(2).split(",")]
            message = f"{message}{meant(found.group(1), known)}"
        self.exit(2, f"{self.prog}: {message}\n`{self.prog} --help` has examples\n")


def command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    *examples: str,
    aliases: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """Add a subcommand.

    Parameters
    ----------
    text
        What it does, in a line.
    examples
        Command lines, at least one.
    aliases
        Other names of it.
    """
    if not examples:
        raise ValueError(f"command {name}: an example is missing")
    shown = "\n".join(f"  {example}" for example in examples)
    parser = commands.add_parser(
        name,
        aliases=aliases,
        help=text,
        description=f"{text[:1].upper()}{text[1:]}.",
        epilog=f"examples:\n{shown}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(parser=parser)
    return parser
