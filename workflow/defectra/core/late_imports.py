"""Modules that are imported by name, at the moment they are needed.

The fingerprint of a step covers all code that its module imports
(:mod:`defectra.core.fingerprint`). A module of :data:`LATE` is found by its name instead: what it
does is not part of the results of the module that asks for it, or is a parameter of its own there.
Nothing else may be imported so.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

LATE = (
    ("engines", "*", "settings"),  # protocols of every engine, read by the settings of the core
    ("studies", "*", "settings"),  # keys of every study, the same
    ("studies", "*", "requests"),  # calculations of a study; its rules carry their fingerprint
    ("studies", "*", "manifests"),  # chunks of a study; the plan carries their fingerprint
    ("studies", "*", "predict"),  # what `defectra predict` does with a model of a study
    ("engines", "finished", "parsed"),  # readers of all engines, for runs that a config names
    ("studies", "nmc", "parsed_join"),  # the same, for the training table of study nmc
)


def late(*parts: str) -> ModuleType:
    """Module of the package by the parts of its name after ``defectra``.

    Raises
    ------
    ValueError
        If :data:`LATE` does not list it.
    """
    if not any(len(own) == len(parts) and all(o in ("*", p) for o, p in zip(own, parts))
               for own in LATE):  # fmt: skip
        raise ValueError(f"{'.'.join(parts)} is not listed in {__name__}.LATE")
    return import_module(".".join(("defectra", *parts)))
