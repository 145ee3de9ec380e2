"""Changes of all studies, and what each reruns: the table of docs/workflow.md.

``make changes`` makes each change alone in a campaign of all studies, asks Snakemake what it would
run, and writes the answers to ``rerun_by_change.json`` and the table of the docs. The tests make
several at once, of which no two touch the same study, and compare.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from defectra.report.marked import between

KNOWN = Path(__file__).with_name("rerun_by_change.json")
DOCS = Path(__file__).resolve().parents[2] / "docs" / "workflow.md"
MARKS = ("<!-- what tests/reruns/changes.py asserts -->", "<!-- end -->")
SHARED = "all studies"  # rules that show or join those of all


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes
    ----------
    kind
        ``key`` of the config, ``protocol``, ``engine``, ``requests``, ``model``, ``scores``,
        ``figure`` of a study, all but the first two a module of the package.
    what
        Dotted key, ``<file>:<key>`` of a protocol, path of a module in the package.
    value
        New value of a key.
    """

    kind: str
    what: str
    value: Any = None

    @property
    def name(self) -> str:
        """Name of the change in the table."""
        where = {"key": "config key", "protocol": "protocol key"}.get(self.kind)
        return f"{where} `{self.what}`" if where else f"code of `{self.what}` ({self.kind})"


_MODULES = {
    "dynamics": ["requests", "fitting", "claims", "figures/laws"],
    "hbn": ["requests", "emission", "scores", "figures/candidates"],
    "levels": ["requests", "evaluate", "scorecard", "figures/errors"],
    "nmc": ["structures", "first/evaluate", "scorecard", "figures/models"],
    "perovskites": ["requests", "evaluate", "scorecard", "figures/models"],
    "plots": ["requests", "reading", "scorecard", "figures/recall"],
    "registration": ["requests", "fit", "scorecard", "figures/recovery"],
    "segmentation": ["requests", "networks", "scores", "figures/scores"],
    "speckle": ["requests", "network", "scorecard", "figures/models"],
    "stem4d": ["requests", "networks", "claims", "figures/maps"],
    "xanes": ["requests", "delta", "scorecard", "figures/features"],
    "xrd": ["requests", "learning", "scorecard", "figures/contents"],
}
_KINDS = ("requests", "model", "scores", "figure")
_KEYS: list[tuple[str, Any]] = [
    ("seed", 2502),
    ("dynamics.bootstrap", 299),
    ("dynamics.swarm.iterations", 24),
    ("hbn.measured.bootstrap", 399),
    ("hbn.errors", {"PBE": 0.5, "HSE06@PBE": 0.3}),
    ("levels.diagrams", {"CdTe": ["Cu"]}),
    ("levels.live.recompute", []),
    ("levels.native_defects", False),
    ("nmc.model.trees", 6),
    ("nmc.structures.orderings", 3),
    ("nmc.max_failed", 0.9),
    ("perovskites.bootstrap", 999),
    ("perovskites.fidelity.draws", 2),
    ("perovskites.screen.probability", 0.4),
    ("plots.bootstrap", 999),
    ("registration.starts", 7),
    ("segmentation.bootstrap", 499),
    ("segmentation.seeds", 5),
    ("speckle.bootstrap", 999),
    ("speckle.network.epochs", 59),
    ("stem4d.bootstrap", 199),
    ("stem4d.training.epochs", 59),
    ("xanes.bootstrap", 299),
    ("xanes.delta.components", 11),
    ("xrd.bootstrap", 499),
    ("xrd.network.epochs", 199),
]
_ENGINES = [
    *("abtem/simulate", "coherent/simulate", "feff/run", "feff/output", "gpaw/run"),
    *("icemelt/frames", "plot_images/render", "speckle/scattering", "stem_points/frame"),
    *("vasp/read", "xrd/powder"),
]
_PROTOCOLS: list[tuple[str, Any]] = [
    ("abtem:base.sampling", 0.13),
    ("chgnet:base.fmax", 0.11),
    ("coherent:base.tolerance", 2e-8),
    ("fdmnes:base.absorbers.Ni.radius", "6.6"),
    ("feff:base.k_max", 3.6),
    ("feff:base.safer_mixing", 0.04),
    ("gpaw:base.cutoff", 301),
    ("gpaw_corehole:base.cutoff", 281),
    ("gpaw_emitter:emitter.cutoff", 301),
    ("gpaw_levels:base.cutoff", 241),
    ("feff:base.timeout_s", 77777),
    ("gpaw:base.timeout_s", 77777),
    ("gpaw_levels:base.timeout_s", 77777),
    ("feff:fast.description", "in other words"),
    ("coherent:ideal.description", "in other words"),
]
CHANGES = [
    *(
        Change(kind, f"studies/{study}/{module}.py")
        for study, modules in _MODULES.items()
        for kind, module in zip(_KINDS, modules, strict=True)
    ),
    *(Change("key", key, value) for key, value in _KEYS),
    *(Change("engine", f"engines/{module}.py") for module in _ENGINES),
    *(Change("protocol", key, value) for key, value in _PROTOCOLS),
]

Rules = dict[str, list[str]]  # names by study


def known() -> dict[str, Rules]:
    """What each change reruns, by its name, as it was found by ``make changes``."""
    found: dict[str, Rules] = json.loads(KNOWN.read_text(encoding="utf-8"))
    return found


def rounds(changes: Iterable[Change], rules: Mapping[str, Rules]) -> list[list[Change]]:
    """Groups of changes of which no two touch the same study, nor the same file or key."""
    groups: list[tuple[list[Change], set[str]]] = []
    for change in changes:
        touched = set(rules[change.name]) - {SHARED} | {change.what}
        free = (group for group in groups if not group[1] & touched)
        members, studies = next(free, ([], set()))
        if not members:
            groups.append((members, studies))
        members.append(change)
        studies |= touched
    return [members for members, _ in groups]


def table() -> str:
    """The rows in Markdown: change, rules."""
    lines = ["| change | rules that run again |", "| --- | --- |"]
    rules = known()
    for change in CHANGES:
        by_study = rules[change.name]
        words = [
            f"{study}: {', '.join(names)}" for study, names in by_study.items() if study != SHARED
        ]
        words += [", ".join(by_study.get(SHARED, []))] if SHARED in by_study else []
        lines.append(f"| {change.name} | {'; '.join(words) or 'none'} |")
    return "\n".join(lines)


def in_docs(text: str) -> str:
    """Text of the page with the table of today."""
    return between(text, MARKS, table(), DOCS)
