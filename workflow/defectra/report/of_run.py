"""Which files of the results belong to a run: what its rules make on the way to its targets.

A folder of results outlives a change of the config: tables and figures of rules that are not asked
for any more (a mirror that is not named now) stay there, beside a scorecard that lacks their rows.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


def files_of_run(targets: Iterable[Any], rules: Iterable[Any]) -> list[str]:
    """Files that rules make on the way to some targets, targets included, sorted.

    Parameters
    ----------
    targets
        Inputs of a rule. Functions are left out here and below: they name files of users, of the
        published data and of the plan, which no page shows.
    rules
        Of Snakemake: ``workflow.rules``.
    """
    listed = list(rules)
    maker = {str(out): rule for rule in listed for out in rule.output if "{" not in str(out)}
    patterns = [rule for rule in listed if any("{" in str(out) for out in rule.output)]
    found: set[str] = set()
    todo = [str(file) for file in targets if not callable(file)]
    while todo:
        file = todo.pop()
        if file in found:
            continue
        found.add(file)
        own = [maker[file]] if file in maker else [r for r in patterns if _makes(r, file)]
        for rule in own[:1]:
            wildcards = rule.get_wildcards(file)
            found |= set(_applied(rule.output, wildcards)) - {file}
            todo += _applied(rule.input, wildcards)
    return sorted(found)


def _makes(rule: Any, file: str) -> bool:
    return any(out.match(file) for out in rule.output)


def _applied(files: Iterable[Any], wildcards: Any) -> Iterator[str]:
    return (str(file.apply_wildcards(wildcards)) for file in files if not callable(file))


class FilesOfStudies:
    """Files that the rules of studies make, as text that a rule carries.

    Parameters
    ----------
    targets
        Inputs of the target of each study.
    workflow
        Of Snakemake; its rules are read when asked, since later files bring more.
    """

    def __init__(self, targets: Mapping[str, Iterable[Any]], workflow: Any) -> None:
        self._targets, self._workflow = targets, workflow

    def __call__(self, studies: Iterable[str]) -> str:
        """JSON of the files of some studies, sorted."""
        wanted = [file for study in studies for file in self._targets[study]]
        return json.dumps(files_of_run(wanted, self._workflow.rules))


class OfRun:
    """Whether a file of the results is shown.

    Parameters
    ----------
    results
        Folder of the results.
    made
        Files of the run, as rules name them; None: all that are there.
    """

    def __init__(self, results: Path, made: Collection[str] | None = None) -> None:
        self.results = results
        self._made = None if made is None else {self._name(Path(name)) for name in made}

    def _name(self, path: Path) -> str:
        """Path from the folder of the results, wherever another workflow has put that."""
        parts = path.parts
        if path.is_relative_to(self.results):
            return path.relative_to(self.results).as_posix()
        first = parts.index(self.results.name) + 1 if self.results.name in parts else 0
        return "/".join(parts[first:])

    def __contains__(self, path: Path) -> bool:
        return self._made is None or self._name(path) in self._made
