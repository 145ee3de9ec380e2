"""What a commit changes on purpose: a JSON file, so that all else can be asked to stay."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_KEYS = ("rules", "paths", "params", "accepted", "meant")


@dataclass(frozen=True)
class Declared:
    """Changes that are meant; each maps what was to what is.

    Attributes
    ----------
    rules
        Name of a rule to its new name; to None if the rule is gone on purpose.
    paths
        File or folder to its new path; the longest fitting one decides.
    params
        ``rule.param`` or ``param`` (by the old rule name) to the new name, or to None.
    accepted
        Differences that are meant, each word by word as the comparison prints it.
    meant
        Kinds of differences that are meant: a regular expression of the whole text to its reason.
    """

    rules: dict[str, str | None] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    params: dict[str, str | None] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    meant: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | None) -> Declared:
        """Read the file; nothing is declared without one.

        Raises
        ------
        SystemExit
            If it has a key that is not known.
        """
        if path is None:
            return cls()
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        unknown = sorted(set(content) - {*_KEYS, "why"})
        if unknown:
            raise SystemExit(f"{path}: unknown key {unknown[0]}; known: why, {', '.join(_KEYS)}")
        return cls(**{key: content[key] for key in _KEYS if key in content})

    def path(self, old: str) -> str:
        """Path of a file in the new checkout."""
        fitting = [p for p in self.paths if old == p or old.startswith(p.rstrip("/") + "/")]
        if not fitting:
            return old
        longest = max(fitting, key=len)
        return self.paths[longest] + old[len(longest) :]

    def param(self, rule: str, old: str) -> str | None:
        """Name of a parameter now; None if it is gone on purpose."""
        return self.params.get(f"{rule}.{old}", self.params.get(old, old))

    def values(self, value: Any) -> Any:
        """A value in which every text that is a path is replaced by the new path."""
        if isinstance(value, dict):
            return {k: self.values(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.values(v) for v in value]
        return self.path(value) if isinstance(value, str) else value

    def left(self, differences: list[str]) -> list[str]:
        """Differences that nobody declared, and declarations that nothing answers to."""
        unused = [text for text in self.accepted if text not in differences]
        unused += [text for text in self.meant if not any(_is(text, d) for d in differences)]
        kinds = (*map(re.escape, self.accepted), *self.meant)
        return [d for d in differences if not any(_is(kind, d) for kind in kinds)] + [
            f"accepted, but not found: {text}" for text in unused
        ]

    def reasons(self, differences: list[str]) -> list[str]:
        """How many differences each reason explains; each is counted once."""
        counts = dict.fromkeys(self.meant.values(), 0)
        for text in differences:
            reason = next((r for kind, r in self.meant.items() if _is(kind, text)), None)
            if reason is not None:
                counts[reason] += 1
        return [f"{number} meant: {reason}" for reason, number in counts.items()]


def _is(kind: str, text: str) -> bool:
    return re.fullmatch(kind, text, re.DOTALL) is not None
