"""Another second attempt tries again what the last one did not solve, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from in_one_call import make_plan

from defectra.campaign.engine import engine_named
from defectra.campaign.ledger import Ledger
from defectra.campaign.spectra import spectrum_kind
from defectra.core.config import Config, load
from defectra.core.records import CALCULATIONS
from defectra.core.store import Archive
from defectra.engines.spectrum import SpectrumEngine
from defectra.structures.geometry import vegard

Row = dict[str, Any]


@pytest.fixture
def asked(root: Path) -> Any:
    """Gives the request of one nickel edge for a value of the safer mixing."""
    config: Config = load(root / "config/tiny.yaml")
    structures, _ = next(iter(make_plan(config).values()))
    geometry = vegard(structures[0])
    index = geometry["species"].index("Ni")
    engine = engine_named("feff")
    assert isinstance(engine, SpectrumEngine)
    site, protocol = engine.site(geometry, index), config.protocols.feff["fast"]

    def request(mixing: float) -> Any:
        settings = protocol.model_copy(update={"safer_mixing": mixing})
        return site.request("K", ("fast", settings))

    return request


def row(request: Any, attempt: int, status: str) -> Row:
    runner, settings = request.input["site"].runner, request.input["settings"]
    last = runner.last_input("K", settings) if attempt == 2 else request.calculation_id
    return {
        "calculation_id": request.calculation_id,
        "engine": "feff",
        "status": status,
        "attempt": attempt,
        "error_class": "" if status == "ok" else "not_self_consistent",
        "message": "80 iterations did not do",
        "inputs_sha256": last,
    }


@pytest.mark.parametrize(
    ("attempt", "status", "again"),
    [(2, "unconverged", True), (2, "failed", True), (1, "failed", False), (2, "ok", False)],
)
def test_only_a_failure_of_the_second_attempt(
    asked: Any, attempt: int, status: str, again: bool
) -> None:
    old, new = asked(0.05), asked(0.02)
    assert old.calculation_id == new.calculation_id, "the identity is that of the first attempt"
    engine = engine_named("feff")
    assert not engine.superseded(old, row(old, attempt, status))  # type: ignore[attr-defined]
    assert engine.superseded(new, row(old, attempt, status)) == again  # type: ignore[attr-defined]


def test_the_ledger_asks_for_it_again(asked: Any, tmp_path: Path) -> None:
    old, new = asked(0.05), asked(0.02)
    archived = {c.name: None for c in CALCULATIONS.columns} | row(old, 2, "unconverged")
    known = Ledger([spectrum_kind()], Archive(tmp_path / "none"))
    known._tables[CALCULATIONS.name] = {old.calculation_id: archived}
    assert known.finished(old)
    assert not known.finished(new)
    assert known.archived(new) is None
