"""Runs in the environment of bsym: configurations and degeneracies; see enumeration.py."""

import json
import resource
import sys
import time


def run(case: dict) -> tuple[list[list[int]], list[int]]:
    """Words (0 or 1 for each site of the case) and weights."""
    from bsym.interface.pymatgen import configuration_space_from_structure
    from pymatgen.core import Lattice, Structure

    structure = Structure(Lattice(case["lattice"]), case["species"], case["coords"])
    space = configuration_space_from_structure(structure, subset=case["sites"])
    amounts = {1: case["amount"], 0: len(case["sites"]) - case["amount"]}
    found = space.unique_configurations(amounts)
    return [[int(v) for v in c.tolist()] for c in found], [int(c.count) for c in found]


def main() -> None:
    """Case on standard input; one JSON answer on standard output."""
    case = json.load(sys.stdin)
    if "warm_up" in case:
        run(case["warm_up"])
    cpu, wall = time.process_time(), time.perf_counter()
    words, weights = run(case)
    answer = {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "count": len(words),
        "total_cpu_s": time.process_time(),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "words": words if case.get("words") else [],
        "weights": weights,
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
