"""An engine that is a function of Python: numpy, abTEM, torch in this process, no program outside.

A study whose simulator is a function writes ``engines/<engine>/engine.py``::

    from defectra.campaign.arrays import ArraySpec
    from defectra.engines.function import FunctionEngine

    def compute(asked):                       # plain JSON in, named arrays out
        from defectra.engines.disks.pattern import patterns   # imports of weight stand in here
        return {"intensity": patterns(asked["number"], asked["count"], asked["seed"])}

    DISKS = FunctionEngine("disks", compute, revision="1", arrays=(
        ArraySpec("intensity", "counts", ("pattern", "qy", "qx"), "far-field intensity"),))
    ENGINES = {DISKS.ENGINE: DISKS}

and asks with ``DISKS.request({"number": 5, "count": 100, "seed": 1}, "pattern", "fast", about)``.
A kill loses the request that was in flight and nothing else; let one take seconds to a minute, and
give many patterns at once, so that identities stay few.
"""

from __future__ import annotations

import hashlib
import json
import platform
import resource
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from defectra.campaign.arrays import RESULT, ArraySpec, check, packed, unpacked
from defectra.campaign.engine import Outcome
from defectra.campaign.request import Request
from defectra.campaign.verdict import MACHINE, machine_class
from defectra.core.arrays import Arrays
from defectra.core.errors import ConfigError, EngineError
from defectra.core.records import Status

Compute = Callable[[Mapping[str, Any]], Arrays]


class FunctionEngine:
    """Engine whose results are arrays that a function of this environment computes.

    Parameters
    ----------
    name
        Name in the tables; the folder of the engine, or begins with it and an underscore.
    compute
        Gives the named arrays of an input, which is plain JSON and holds the seed. The same input
        gives the same numbers. It raises ``EngineError(class, message)`` where there is no result.
    revision
        Of the model: part of the identity, raised when the numbers change.
    arrays
        What it gives.
    refusals
        Classes of `EngineError` that the physics decides: such a failure is a finished row. All
        others, and every other exception, may be the machine's and are tried again.
    needs
        Packages that it imports, as their distributions are called; their versions are kept.
    extra
        Target of make that installs them.
    """

    PARSER_VERSION = "1"
    KEEPS_FOLDER = False

    def __init__(
        self,
        name: str,
        compute: Compute,
        *,
        revision: str,
        arrays: Sequence[ArraySpec],
        refusals: Iterable[str] = (),
        needs: Sequence[str] = (),
        extra: str = "instruments",
    ) -> None:
        self.ENGINE, self.ARRAYS = name, tuple(arrays)
        self._compute, self._revision, self._extra = compute, revision, extra
        self._refusals, self._needs = frozenset(refusals), tuple(needs)

    def request(
        self,
        asked: Mapping[str, Any],
        kind: str,
        protocol: str,
        about: Mapping[str, Any] | None = None,
        size: int = 1,
    ) -> Request:
        """Request of an input.

        Parameters
        ----------
        asked
            Plain JSON: all that decides the numbers.
        kind
            Kind of result of the study, of :func:`defectra.campaign.arrays.array_kind`.
        protocol
            Name of the fidelity; its settings stand in `asked`.
        about
            Labels of the study.
        size
            What the cost scales with, such as the number of patterns.

        Raises
        ------
        ConfigError
            If `asked` is not plain JSON.
        """
        try:
            text = json.dumps(asked, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"engine {self.ENGINE}: input is not plain JSON ({error})") from None
        canonical = f"{self.ENGINE} {self._revision} {text}"
        name = hashlib.sha256(canonical.encode()).hexdigest()
        return Request(self.ENGINE, protocol, name, json.loads(text), kind, about or {}, size)

    def run(self, request: Request, folder: Path | None) -> Outcome:  # noqa: ARG002
        """Compute one request in this process."""
        out = Outcome(request.calculation_id, inputs_sha256=request.calculation_id)
        start, cpu = time.perf_counter(), time.process_time()
        try:
            arrays = dict(self._compute(request.input))
            check(arrays, self.ARRAYS)
            out.files, out.status = {RESULT: packed(arrays)}, Status.OK
        except EngineError as error:
            out.error_class, out.message = error.error_class, str(error)
        except Exception as error:  # a failed calculation is a row; the class states its kind
            out.error_class = f"failed_{type(error).__name__}"
            out.message = f"{type(error).__name__}: {error}"
        out.wall_s, out.cpu_s = time.perf_counter() - start, time.process_time() - cpu
        out.max_rss_mb = peak_mb()
        return out

    def read(self, files: Mapping[str, bytes]) -> Arrays:
        """Arrays by name, checked against :attr:`ARRAYS`."""
        return unpacked(files, self.ARRAYS)

    def version(self) -> str:
        """Name, revision, and versions of the packages; empty if one is missing."""
        if self.available():
            return ""
        packages = ", ".join(f"{name} {_version(name)}" for name in ("numpy", *self._needs))
        return f"{self.ENGINE} {self._revision} ({packages})"

    def available(self) -> str:
        """Empty, or the sentence that says which package is missing and how to get it."""
        missing = [name for name in self._needs if not _version(name)]
        if not missing:
            return ""
        return (
            f"engine {self.ENGINE} needs {', '.join(missing)}: run `make {self._extra}`, or use "
            f"what the archive holds"
        )

    def finished(self, row: Mapping[str, Any], files: Mapping[str, bytes] | None) -> bool:
        """Whether there are arrays, or the physics has decided that there are none."""
        if row["status"] != Status.FAILED:
            return files is None or RESULT in files
        kind = str(row["error_class"])
        found_class = machine_class(kind, str(row["message"]))
        return kind in self._refusals and found_class == MACHINE + kind


def peak_mb() -> float:
    """Largest resident memory of this process since its start, MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1 << 20 if platform.system() == "Darwin" else 1024)


@cache
def _version(name: str) -> str:
    """Version of a package, empty if it is not installed; half a millisecond to look up."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
