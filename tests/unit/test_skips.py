"""A skipped test fails in .ci/run unless its reason is listed."""

from types import SimpleNamespace

import pytest
from skips import VARIABLE, ListedSkips, allowed

ROOT_WORDS = "could not import 'torch': No module named 'torch'"


def report(reason, skipped=True):
    return SimpleNamespace(nodeid="a.py::b", skipped=skipped, longrepr=("a.py", 1, reason))


@pytest.mark.parametrize(
    ("reason", "fails"),
    [
        ("Skipped: no mirror of the published data at /data", False),
        ("Skipped: no OmniXAS runs in the mirror", False),
        ("Skipped: could not import 'icet': No module named 'icet'", False),
        ("Skipped: no R here", False),
        (f"Skipped: {ROOT_WORDS}", True),
        ("Skipped: extra `levels` is not installed", True),
        ("Skipped: make instruments", True),
        ("Skipped: no R here, nor anything else", True),
    ],
)
def test_a_reason_that_is_not_listed_fails(reason, fails):
    plugin = ListedSkips(allowed())
    plugin.pytest_runtest_logreport(report(reason, skipped=False))
    session = SimpleNamespace(exitstatus=pytest.ExitCode.OK)
    plugin.pytest_sessionfinish(session)
    assert session.exitstatus == pytest.ExitCode.OK
    plugin.pytest_collectreport(report(reason))
    plugin.pytest_sessionfinish(session)
    assert (session.exitstatus == pytest.ExitCode.TESTS_FAILED) is fails


def test_ci_asks_for_it_and_installs_what_the_tests_need(root):
    text = (root / ".ci/run").read_text(encoding="utf-8")
    assert f"{VARIABLE}=listed timeout -k 30 900 make test" in text
    for target in ("instruments", "corrections"):
        (line,) = [x for x in text.splitlines() if x.endswith(f"make {target}")]
        assert line.startswith("step ")  # its failure is one of the run
