"""What can be computed here: relaxed cells that are known, engines and relaxation that can run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Cell = tuple[str, str, str]  # structure, protocol, digest of its settings


def cells_wanted(
    geometries: Mapping[str, Any],
) -> Callable[[Row, Mapping[str, str]], Cell | None]:
    """Function that names the relaxed cell a task needs; None if it needs none."""
    from defectra.engines.chgnet.settings import ChgnetProtocol
    from defectra.engines.relaxation import settings_digest

    models = {name: ChgnetProtocol.model_validate(p) for name, p in geometries.items()}
    digests = {name: settings_digest(p) for name, p in models.items()}
    own = {digests[name]: name for name, p in reversed(models.items()) if not p.from_parent}

    def cell(task: Row, family: Mapping[str, str]) -> Cell | None:
        name, structure = task["geometry_protocol"], task["structure_id"]
        if name not in models:
            return None
        if models[name].from_parent:
            return family[structure], own[digests[name]], digests[name]
        return structure, name, digests[name]

    return cell


def journal_cells(store: Path) -> Iterator[Cell]:
    """Cells that were relaxed in earlier runs."""
    from defectra.core.journal import read_journal

    for path in sorted(store.glob("*.journal")):
        for row, _ in read_journal(path):
            if row["kind"] == "geometry":
                yield row["structure_id"], row["protocol"], row["settings"]


def why_no_engine(name: str) -> str:
    """What must be done before an engine can run here; empty if it can."""
    from defectra.campaign.engine import engine_named

    try:
        return engine_named(name).available()
    except ImportError as error:
        return f"engine {name} is not installed ({error}): `make run` sets it up"


def why_no_relaxation(relax: bool) -> str:
    """What must be done before cells can be relaxed here; empty if they can."""
    from importlib.util import find_spec

    if relax and find_spec("chgnet"):
        return ""
    how = "run `make engines`" + ("" if relax else " and set nmc.live_geometries: true")
    return f"no relaxed cell in the archive: {how}, or set nmc.geometry: vegard"
