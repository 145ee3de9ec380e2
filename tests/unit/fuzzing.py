"""Generated damage, shared by the fuzz tests: ``DEFECTRA_FUZZ`` cases of each.

``DEFECTRA_FUZZ_PORTION`` is the seed of other cases than those of the test suite: ten portions of
1,000 can be run one by one, and each again with the same cases.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st

CASES = int(os.environ.get("DEFECTRA_FUZZ", "60"))
PORTION = os.environ.get("DEFECTRA_FUZZ_PORTION")
SLOWEST_S = 300

_settings = settings(
    max_examples=CASES,
    deadline=None,
    derandomize=PORTION is None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def fuzz(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test with the generated cases of one portion."""
    set_up = _settings(test)
    return set_up if PORTION is None else seed(int(PORTION))(set_up)


def names_in(folder: str | Path) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


class Hang(BaseException):
    """A case that did not end; no exception that a reader may catch."""


@contextmanager
def no_hang() -> Iterator[None]:
    """End a case that takes over five minutes of CPU time: it hangs with an error."""

    def stop(number: int, frame: object) -> None:
        raise Hang(f"a case took more than {SLOWEST_S} s of CPU time")

    old = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SLOWEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)


TOKENS = st.one_of(
    st.sampled_from(
        "nan|-inf|1e999|0|-1|99999|\n|\n\n|'|\"|;|#|../../x|\0|é|\u2028|loop_|"
        "_cell_length_a|{|}|[|*a|&a|!!python/x".split("|")
    ),
    st.text(max_size=12),
    st.floats().map(repr),
    st.integers().map(str),
)


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """A text with up to six places cut, overwritten or doubled."""
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 60)))
        patch = draw(TOKENS) if draw(st.booleans()) else text[start:end] * draw(st.integers(0, 3))
        text = text[:start] + patch + text[end:]
    return text
