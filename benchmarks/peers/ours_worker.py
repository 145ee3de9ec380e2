"""Runs this package in a process of its own, like the peers; see enumeration.py."""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path


def run(case: dict) -> tuple[list[list[int]], list[int], int]:
    """Words (0 or 1 for each coloured site) and weights, from the primitive cell on."""
    from defectra.structures import prototypes, supercells
    from defectra.structures.colourings import orderings
    from defectra.structures.table import write_orderings

    crystal = prototypes.prototype(case["prototype"], **case["constants"])
    cell = supercells.by_matrix(crystal, case["matrix"])
    rest = len(case["sites"]) - case["amount"]
    found = orderings(cell, {case["sublattice"]: {case["new"]: case["amount"], case["old"]: rest}})
    if case.get("write"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "orderings.parquet"
            write_orderings(path, found)
            return [], [int(found.multiplicity.sum()), path.stat().st_size], len(found)
    new = found.problem.palette.index(case["new"])
    return (found.words == new).astype(int).tolist(), found.multiplicity.tolist(), len(found)


def main() -> None:
    """Case on standard input; one JSON answer on standard output."""
    case = json.load(sys.stdin)
    if "warm_up" in case:
        run(case["warm_up"])
    cpu, wall = time.process_time(), time.perf_counter()
    words, weights, count = run(case)
    answer = {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "count": count,
        "total_cpu_s": time.process_time(),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "words": words if case.get("words") else [],
        "weights": weights,
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
