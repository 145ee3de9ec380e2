"""What a commit changes on purpose: a JSON file, so that all else can be asked to stay."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_KEYS = ("rules", "paths", "params", "accepted")


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
    """

    rules: dict[str, str | None] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    params: dict[str, str | None] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)

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
        stale = [f"accepted, but not found: {text}" for text in self.accepted]
        return [d for d in differences if d not in self.accepted] + [
            text for text, meant in zip(stale, self.accepted) if meant not in differences
        ]
