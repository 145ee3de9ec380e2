"""In .ci/run a skipped test fails unless its reason is listed in ``allowed_skips.txt``.

Asked for by ``DEFECTRA_SKIPS=listed``; on a machine without some library the tests pass as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

VARIABLE = "DEFECTRA_SKIPS"
ALLOWED = Path(__file__).with_name("allowed_skips.txt")


def allowed(path: Path = ALLOWED) -> list[re.Pattern[str]]:
    """Patterns of a list; lines that begin with # are remarks."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [re.compile(s) for line in lines if (s := line.strip()) and not s.startswith("#")]


class ListedSkips:
    """Plugin that collects the reasons of skipped tests and modules, of all workers."""

    def __init__(self, patterns: Iterable[re.Pattern[str]]) -> None:
        self.patterns = list(patterns)
        self.unlisted: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        told = report.longrepr
        reason = str(told[2] if isinstance(told, tuple) else told).removeprefix("Skipped: ")
        if not any(p.fullmatch(reason) for p in self.patterns):
            self.unlisted.append(f"{report.nodeid}: {reason}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.unlisted:
            terminalreporter.section(f"skipped for reasons that {ALLOWED.name} does not list")
            terminalreporter.write_line("\n".join(sorted(set(self.unlisted))))
