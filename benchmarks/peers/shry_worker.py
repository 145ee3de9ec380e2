"""Runs in the environment of SHRY: patterns and weights of a structure; see enumeration.py."""

import json
import resource
import sys
import time

import numpy as np


def run(case: dict) -> tuple[list[list[int]], list[int], int]:
    """Words (0 or 1 for each site of the case) and weights."""
    from pymatgen.core import Lattice, Structure
    from shry.core import Substitutor

    sites = case["sites"]
    share = case["amount"] / len(sites)
    mixed = {case["new"]: share, case["old"]: 1 - share}
    species = [mixed if i in set(sites) else s for i, s in enumerate(case["species"])]
    structure = Structure(Lattice(case["lattice"]), species, case["coords"])
    work = Substitutor(structure, groupby=lambda site: site.species_string)
    if case.get("count_only"):
        return [], [], work.count()
    words, weights = [], []
    for aut, pattern in work.make_patterns():
        word = np.zeros(len(sites), dtype=int)
        word[pattern[-1]] = 1
        words.append(word.tolist())
        weights.append(work._get_weight(aut))
    return words, weights, len(words)


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
