"""What decides a VASP run beside its INCAR: density of k-points and potentials.

Both depend on the cell and its elements, so that no digest can say whether two runs of different
cells were made alike: they are kept in words and compared run by run.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from defectra.core.errors import StructureError
from defectra.engines.finished.settings_digest import settings_digest
from defectra.structures.poscar import element_of, lattice_of

# Ratio of k-point spacings: meshes of one recipe differ by whole numbers of points
ALIKE = math.sqrt(2.0)
Words = dict[str, str]


def settings(inputs: Mapping[str, str], titles: Sequence[str]) -> str:
    """Digest of the settings of a run, and in words what no digest can hold; as :func:`beside`.

    Empty if the input does not say its settings.
    """
    digest = settings_digest(inputs, titles)
    return f"{digest} {beside(inputs, titles)}".strip() if digest else ""


def beside(inputs: Mapping[str, str], titles: Sequence[str]) -> str:
    """Words such as ``k=0.196,0.21 Ni=PAW_PBE/Ni_GW/31Mar2010``; empty if the run says neither.

    ``k`` is the spacing of the k-points (1/Å, with 2 π as KSPACING): geometric mean over the axes,
    and the largest; for a list of points the digest of it.

    Parameters
    ----------
    inputs
        What the program read, by name.
    titles
        Titles of the potentials, e.g. ``PAW_PBE Ni_GW 31Mar2010``.
    """
    words = [f"k={k}"] if (k := _spacing(inputs)) else []
    found: dict[str, set[str]] = {}
    for title in titles:
        name = title.split()
        element = element_of(name[1]) if len(name) > 1 else ""
        if element:
            found.setdefault(element, set()).add("/".join(name))
    words += [f"{e}={'+'.join(sorted(found[e]))}" for e in sorted(found)]
    return " ".join(words)


def _spacing(inputs: Mapping[str, str]) -> str:
    text = inputs.get("KPOINTS")
    if text is None:
        return ""
    lines = [line.strip() for line in text.splitlines()]
    try:
        count, mode = int(lines[1].split()[0]), lines[2][:1].lower()
        reciprocal = 2 * np.pi * np.linalg.inv(lattice_of(inputs.get("POSCAR", ""))).T
        lengths = np.linalg.norm(reciprocal, axis=1)
        numbers = [float(w) for w in lines[3].split()[:3]]
        if count == 0 and mode == "a":
            mesh = [max(1, int(numbers[0] * b / (2 * np.pi) + 0.5)) for b in lengths]
        elif count == 0 and mode in "gm":
            mesh = [int(n) for n in numbers]
        elif count == 1 and not any(numbers):
            mesh = [1, 1, 1]
        else:
            raise ValueError
        apart = lengths / np.array(mesh, float)
        if len(mesh) != 3 or min(mesh) < 1:
            raise ValueError
        return f"{np.exp(np.log(apart).mean()):.4g},{apart.max():.4g}"
    except (ValueError, IndexError, StructureError, np.linalg.LinAlgError):
        plain = "\n".join(" ".join(line.split()) for line in lines[1:] if line)
        return hashlib.sha256(plain.encode()).hexdigest()[:8]


def read(words: str) -> Words:
    """What :func:`beside` wrote, by ``k`` and element."""
    return dict(word.split("=", 1) for word in words.split() if "=" in word)


def kinds(runs: Sequence[str]) -> list[str]:
    """For each run of one digest a suffix of its protocol, e.g. ``-k0.2-p1a2b``.

    Empty if all runs may have been made alike. Meshes are of one kind if a chain of runs leads from
    one to the other in steps of the spacing below a factor of 1.4; potentials if no element has
    another in two runs. A run that does not say is of the only kind, or of one of its own.

    Parameters
    ----------
    runs
        Of each what :func:`beside` gave.
    """
    given = [read(words) for words in runs]
    meshes = _by_mesh([g.get("k", "") for g in given])
    potentials = _by_potential([{k: v for k, v in g.items() if k != "k"} for g in given])
    return [a + b for a, b in zip(meshes, potentials)]


def _by_mesh(found: Sequence[str]) -> list[str]:
    known = sorted(set(found) - {""}, key=lambda word: (_numbers(word), word))
    groups: list[list[str]] = []
    for word in known:
        near = [g for g in groups if any(_alike(word, other) for other in g)]
        groups = [g for g in groups if g not in near] + [[word, *(w for g in near for w in g)]]
    if len(groups) < 2:
        return ["" for _ in found]
    names = {
        w: f"-k{min(g, key=lambda x: (_numbers(x), x)).split(',')[0]}" for g in groups for w in g
    }
    return [names.get(word, "-kunknown") for word in found]


def _numbers(word: str) -> tuple[float, ...]:
    """Spacings of a mesh, none of a list of points."""
    return tuple(map(float, word.split(","))) if "," in word else ()


def _alike(one: str, other: str) -> bool:
    a, b = _numbers(one), _numbers(other)
    if not a or not b:
        return one == other
    return all(max(x / y, y / x) < ALIKE for x, y in zip(a, b))


def _by_potential(found: Sequence[Words]) -> list[str]:
    """Suffixes by potential: runs are of one kind unless an element has another in two of them."""
    groups: list[dict[str, set[str]]] = []
    place: dict[tuple[tuple[str, str], ...], int] = {}
    for items in sorted({tuple(sorted(f.items())) for f in found if f}, key=lambda i: (-len(i), i)):
        own = {element: set(titles.split("+")) for element, titles in items}
        fits = (n for n, group in enumerate(groups) if not any(_clashes(group, own)))
        number = next(fits, len(groups))
        groups += [{}] if number == len(groups) else []
        for element, titles in own.items():
            groups[number].setdefault(element, set()).update(titles)
        place[items] = number
    if len(groups) < 2:
        return ["" for _ in found]
    names = [f"-p{hashlib.sha256(str(sorted(g.items(), key=str)).encode()).hexdigest()[:4]}"
             for g in [{e: sorted(t) for e, t in group.items()} for group in groups]]  # fmt: skip
    keys = [tuple(sorted(f.items())) for f in found]
    return [names[place[key]] if key else "-punknown" for key in keys]


def _clashes(group: Mapping[str, set[str]], own: Mapping[str, set[str]]) -> Iterator[bool]:
    """Of each common element whether its potentials differ; an absorber may have one more."""
    for element in group.keys() & own.keys():
        a, b = group[element], own[element]
        yield not (a <= b or b <= a)
