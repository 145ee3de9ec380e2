"""Outcomes of a run in the README of a study."""

from __future__ import annotations

from pathlib import Path

import pytest

from defectra.core.errors import ConfigError
from defectra.report.marked import put
from defectra.report.outcomes import MARKS, outcomes

ROW = {"claim": "a | b", "check": "c", "published": "", "bound": "0.5", "ours": "0.123456",
       "lo": "0.1", "hi": "0.2", "unit": "eV", "verdict": "holds"}  # fmt: skip


def test_numbers_come_with_their_interval_and_missing_ones_say_so() -> None:
    exact, none = ({"lo": "0.123456", "hi": "0.123456"}, {"ours": "nan", "lo": "", "hi": ""})
    text = outcomes([ROW, ROW | exact], [ROW | none, ROW | {"ours": ""}])
    assert "| a / b |  | 0.123 [0.1, 0.2] eV | holds |" in text
    assert "| a / b |  | 0.123 eV | holds |" in text
    assert text.count("| c | 0.5 | none | holds |") == 2


def test_only_what_is_between_the_marks_is_replaced(tmp_path: Path) -> None:
    page, (begin, end) = tmp_path / "README.md", MARKS
    page.write_text(f"head\n{begin}\nold\n{end}\ntail\n")
    for _ in range(2):
        put(page, MARKS, "new")
        assert page.read_text() == f"head\n{begin}\nnew\n{end}\ntail\n"
    page.write_text("head\n")
    with pytest.raises(ConfigError, match="outcomes: written"):
        put(page, MARKS, "new")
    assert page.read_text() == "head\n"
