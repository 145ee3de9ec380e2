"""Steps: functions of the package that a rule names and ``scripts/step.py`` calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from defectra.core.fingerprint import fingerprint, of_function

Settings = TypeVar("Settings", bound=BaseModel)


class Job(Protocol):
    """What Snakemake hands to a step: files and parameters by the names that the rule gave them.

    Attributes
    ----------
    input, output, log
        Paths, by name or number.
    params, wildcards
        Values, by name.
    """

    input: Any
    output: Any
    params: Any
    wildcards: Any
    log: Any


def step(name: str) -> dict[str, str | Callable[[Any], str]]:
    """Parameters of a rule that runs a step: its dotted name, and the fingerprint of its code.

    The fingerprint is a function of the wildcards, so that it is worked out for rules with a job
    alone: of the rules of all studies, a process that runs one job needs one.

    Parameters
    ----------
    name
        ``defectra.<module>.<function>``.
    """
    module, _, function = name.rpartition(".")

    def code(wildcards: Any) -> str:  # noqa: ARG001
        return of_function(module, function)

    return {"step": name, "code": code}


def code_of(module: str) -> Callable[[Any], str]:
    """Parameter of a rule: fingerprint of a module and of what it imports, when it is asked for."""

    def code(wildcards: Any) -> str:  # noqa: ARG001
        return fingerprint(module)

    return code


def decoded(job: Job, name: str) -> Any:
    """Value of a parameter that a rule handed on as JSON."""
    return json.loads(getattr(job.params, name))


def settings_of(job: Job, model: type[Settings]) -> Settings:
    """Settings that a rule handed on as JSON in its parameter ``config``."""
    return model.model_validate(decoded(job, "config"))


def results_of(job: Job) -> Path:
    """Folder of the results that a job belongs to: the one that holds its ``logs``.

    Where another workflow mounts this one with a prefix, it is not ``results``.
    """
    log = Path(job.log[0])
    return next(folder.parent for folder in log.parents if folder.name == "logs")


def run(job: Job) -> None:
    """Call the step that ``job.params.step`` names."""
    module, _, function = str(job.params.step).rpartition(".")
    call: Callable[[Job], None] = getattr(import_module(module), function)
    call(job)
