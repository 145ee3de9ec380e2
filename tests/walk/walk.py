"""A newcomer's walk through the project, in a fresh copy of it and with nothing else at hand.

``python tests/walk/walk.py`` unpacks what is committed into an empty folder, with another home, no
git, nothing beside it, and an environment of its own whose third-party libraries are those of the
environment that runs this file. There it runs what the README says, each tutorial, the wheel
outside the repository, and mistakes, of each of which the message is looked at. ``--quick`` leaves
out the tutorials of minutes (`LONG`). Slurm is a stand-in: scripts of its names that run a job at
once (``tests/slurm/stand_in.py``).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "slurm"))
import stand_in  # noqa: E402

LONG = ("tutorial_first_campaign.md", "tutorial_slurm.md", "tutorial_study.md")
PARTS = ("readme", "mistakes", "catalog", "wheel", "tutorials")
CIF = """data_LiCoO2
_cell_length_a 2.816
_cell_length_b 2.816
_cell_length_c 14.05
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
_symmetry_space_group_name_H-M 'R -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Co Co 0 0 0
Li Li 0 0 0.5
O O 0 0 0.2605
"""
WRONG = """studies: [nmcc]
sead: 1
nmc: {shards: -1, enginee: feff}
"""


@dataclass(frozen=True)
class Step:
    """One command line.

    Attributes
    ----------
    command
        For bash, typed in the copy of the project.
    says
        Patterns that its output must have.
    code
        Exit code; None: any but 0.
    """

    command: str
    says: Sequence[str] = ()
    code: int | None = 0


def wheel(work: Path) -> list[Step]:
    """The package outside the repository."""
    other = f"{work}/elsewhere"
    return [
        Step(
            f".venv/bin/python -m pip wheel -q --no-deps --no-build-isolation "
            f"--disable-pip-version-check -w {work}/wheel . && ls {work}/wheel",
            [r"defectra-[\d.]+-py3-none-any\.whl"],
        ),
        Step(
            f"mkdir {other} && cp {work}/my.cif {other}/ && "
            f"{sys.executable} -m venv --without-pip {other}/venv && "
            f"cp .venv/lib/python*/site-packages/others.pth "
            f"{other}/venv/lib/python*/site-packages/ && "
            f"{other}/venv/bin/python -m pip install -q --no-deps --no-index "
            f"--disable-pip-version-check {work}/wheel/*.whl"
        ),
        Step(f"cd {other} && venv/bin/defectra --version", [rf"defectra [\d.]+ \({other}/venv"]),
        Step(f"cd {other} && venv/bin/defectra --help", ["examples:"]),
        Step(f"cd {other} && venv/bin/defectra doctor", ["engines", "feff"]),
        Step(
            f'cd {other} && venv/bin/defectra run feff my.cif --edge "O K"',
            [r"feff fast, O K of site \d+: ok", "results/runs"],
        ),
        Step(f"cd {other} && venv/bin/defectra plan", ["checkout of the repository"], 2),
        Step(f"cd {other} && venv/bin/defectra new-study toy", ["checkout of the repository"], 2),
        Step(f"cd {other} && venv/bin/defectra status", ["nothing was run here"], 2),
    ]


def mistakes(work: Path) -> list[Step]:
    """What goes wrong, and what is said: one sentence, and what to do."""
    none = f"DIRECTORY={work}/none"
    return [
        Step(f"make run CONFIG={work}/wrong.yaml {none}",
             ["nmcc.*did you mean 'nmc'", "sead.*'seed'", "nmc.shards", "enginee.*'engine'"], None),
        Step(f"make run CONFIG={work}/none.yaml {none}", ["none.yaml: no such file"], None),
        Step(f"make xanes MIRROR=/nowhere {none}",
             ["mirror: /nowhere: no such folder; name the one"], None),
        Step(f"mkdir {work}/bare && make xanes MIRROR={work}/bare {none}",
             ["no such file; .*(brings it from|put )"], None),
        Step("make run VENV=none PYTHON=false", ["false is no Python 3.11 or newer"], None),
        Step("make nmcc", ["no target nmcc, did you mean 'nmc'", "make help"], None),
        Step("make figure FIG=2203.10349:gpa", ["did you mean gap"], None),
        Step(f"make run PROFILE=slrm {none}", ["ours are: default, lsf, pbs, slurm"], None),
        Step('defectra run feff tests/data/reading/s02_cif_forms/ref.cif --edge "Xx K"',
             ["no absorption edge"], 2),
        Step(f'sed "s/Co Co/Te Te/" {work}/my.cif > {work}/te.cif && '
             f'defectra run feff {work}/te.cif --edge "Te K"',
             ["know Li, O, Mn, Co, Ni, not Te", "gpaw_corehole"], 2),
        Step(f"defectra run fef {work}/my.cif", ["did you mean 'feff'"], 2),
        Step("defectra predict README.md a.dat", ["no model of Defectra, which ends in"], 2),
        Step("cp README.md m.npz; defectra predict m.npz a.dat; code=$?; rm m.npz; exit $code",
             ["no npz file; a model of Defectra ends in"], 2),
        Step("defectra look none.dat", ["none.dat: refused: no such file"], 1),
        Step("defectra runn", ["did you mean 'run'"], 2),
        Step("defectra run feff --egde 'O K'", ["--egde: no option, did you mean '--edge'"], 2),
        Step("defectra run feff a.cif --site two", ["a whole number, 0 or above, is expected"], 2),
        Step("defectra run feff docs", ["docs: a folder; name a file in it"], 2),
        Step(f"defectra run feff README.md {work}/my.cif --edge 'O K' --write",
             ["refused: README.md", "my.cif: feff fast, O K of site"], 1),
        Step("defectra predict resources/models/nmc_edges.npz", ["no spectrum is named"], 2),
        Step("defectra predict resources/models/nmc_edges.npz 'Fe K=a.dat'",
             ["this model does not know Fe K, but Li K"], 2),
        Step("defectra predict resources/models/nmc_edges.npz 'Ni K=a.dat'",
             ["a.dat: no such file"], 2),
        Step("defectra digitise .", ["a folder; name a file in it"], 2),
        Step("defectra import README.md", ["a file; name the folder that holds it"], 2),
        Step("defectra plan xanez", ["no target xanez, did you mean 'xanes'"], 2),
        Step("defectra targets | head -n 1", ["dynamics"]),
        Step("defectra show results/nothing.png", ["nothing is known of"], 2),
        Step("defectra new-study Toy", ["small letters"], 2),
        Step("defectra structures README.md --out a.extxyz", ["README.md"], 2),
        Step(f"printf 'prototype: layered\\nsupercel: 2\\n' > {work}/r.yaml; "
             f"defectra structures {work}/r.yaml --out a.extxyz",
             ["supercel: unknown key, did you mean 'supercell'"], 2),
        Step(f"defectra structures {work}/my.cif --out a.extxyz",
             ["`file: my.cif` into a request"], 2),
        Step(f"printf 'a,b,g\\n1,2,x\\n2,n,y\\n' > {work}/t.csv; "
             f"defectra train {work}/t.csv --target a --group gg",
             ["no column 'gg', did you mean 'g'"], 2),
        Step(f"defectra train {work}/t.csv --target b --group g", ["words \\(e.g. 'n'\\)"], 2),
        Step("defectra look docs", ["docs: refused: a folder"], 1),
        Step(f"mkdir {work}/empty; defectra table {work}/empty", ["no finished run found"], 2),
        Step("defectra plan --config docs", ["docs: a folder; name a config file"], 2),
        Step(f"make run CORES=none {none}", ["a whole number above 0 is expected"], None),
        Step(f"make run CORES=0 {none}", ["a whole number above 0 is expected, not '0'"], None),
        Step(f"make run {none} ARGS=results/nothing.csv",
             ["no rule makes results/nothing.csv"], None),
        Step(f"make run {none} ARGS='--logger nope'",
             ["nope is not installed; `pip install snakemake-logger-plugin-nope"], None),
        Step(f"make run {none} ARGS='--config nmc.seed=3'",
             ["go into a file, --configfile"], None),
        Step("make figure", ["name a figure: FIG=PAPER:ITEM"], None),
    ]  # fmt: skip


def readme() -> list[Step]:
    """What the README says: its make targets exist, its Snakemake lines and looks run."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = sorted(set(re.findall(r"`?make ([a-z][a-z-]*)(?=[ `\n])", text)))
    examples = {"figure": "FIG=2203.10349:gap", "structures": "REQUEST=request.yaml"}
    steps = [Step(f"make -n {name} {examples.get(name, '')} > /dev/null") for name in named]
    steps += [
        Step("make help", ["the default campaign and its report", "one study alone"]),
        Step("defectra doctor", ["cores of this process", "engines", "data"]),
        Step("defectra targets", ["nmc", "results/report.html"]),
        Step("snakemake --cores 2 nmc -n --quiet rules", ["calculate|Nothing to be done"]),
    ]
    return steps


def catalog(work: Path) -> list[Step]:
    """The workflow as the catalog of Snakemake workflows starts it."""
    return [
        Step(
            f"cp -r .test {work}/catalog && snakemake --snakefile workflow/Snakefile --cores 2 "
            f"--directory {work}/catalog --configfile {work}/catalog/config/config.yaml -n "
            f"--quiet rules",
            ["calculate +1"],
        )
    ]


def copy_of_project(work: Path) -> Path:
    """What is committed, unpacked into an empty folder."""
    packed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)
    folder = work / "home" / "defectra"
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def environment(work: Path, *, is_slurm_real: bool) -> dict[str, str]:
    """Another home; `defectra` and the project's Python first; no git."""
    tools, jobs = work / "tools", work / "jobs"
    tools.mkdir()
    jobs.mkdir()
    if not is_slurm_real:
        stand_in.put(tools, "slurm")
    no_git = tools / "git"
    no_git.write_text("#!/bin/sh\necho 'git: not found' >&2\nexit 127\n")
    no_git.chmod(0o755)
    path = os.pathsep.join([str(tools), str(work / "home/defectra/.venv/bin"), os.defpath])
    home = str(work / "home")
    kept = {k: v for k, v in os.environ.items() if k in ("LANG", "LC_ALL", "TMPDIR")}
    own = {"HOME": home, "PATH": path, "PIP_CONFIG_FILE": os.devnull, "STAND_IN": str(jobs)}
    return {**kept, **own}


def install(folder: Path, env: dict[str, str]) -> None:
    """The environment of the copy: this one's libraries, its own package and programs."""
    venv = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    others = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "others.pth").write_text("\n".join([*others, ""]))
    words = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [str(venv / "bin/python"), *words, "--disable-pip-version-check", "-e", "."],
        cwd=folder,
        env=env,
        check=True,
    )
    snakemake = venv / "bin" / "snakemake"
    snakemake.write_text(f'#!/bin/sh\nexec {venv}/bin/python -m snakemake "$@"\n')
    snakemake.chmod(0o755)
    for stamp in ("", "-test", "-docs", "-slurm"):
        (venv / f".installed{stamp}").touch()


def faults(step: Step, folder: Path, env: dict[str, str]) -> Iterator[str]:
    """What is wrong with how a command went."""
    start = time.monotonic()
    done = subprocess.run(
        ["bash", "-uc", step.command],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
        check=False,
    )
    print(f"$ {step.command}  ({time.monotonic() - start:.0f} s, exit code {done.returncode})")
    is_right = done.returncode != 0 if step.code is None else done.returncode == step.code
    shown = done.stdout.splitlines()[-6 if is_right else -40 :]
    print("  " + "\n  ".join(shown), flush=True)
    if not is_right:
        yield f"exit code {done.returncode}, expected {step.code or 'another'}"
    if "Traceback (most recent call last)" in done.stdout:
        yield "a traceback is shown"
    yield from (f"does not say {p!r}" for p in step.says if not re.search(p, done.stdout))


def walk(
    work: Path, parts: Sequence[str], *, is_quick: bool = False, is_slurm_real: bool = False
) -> list[str]:
    """Go through the parts, of `PARTS` or names of tutorials; what was wrong."""
    folder = copy_of_project(work)
    env = environment(work, is_slurm_real=is_slurm_real)
    install(folder, env)
    (work / "my.cif").write_text(CIF)
    (work / "wrong.yaml").write_text(WRONG)
    pages = sorted(folder.glob("docs/tutorial_*.md"))
    command = ".venv/bin/python tests/tutorials/run.py docs/"
    tutorials = {page.name: [Step(f"{command}{page.name}")] for page in pages}
    all_parts = {
        "readme": readme(),
        "mistakes": mistakes(work),
        "catalog": catalog(work),
        "wheel": wheel(work),
        "tutorials": [s for n, x in tutorials.items() for s in x if not (is_quick and n in LONG)],
        **tutorials,
    }
    steps = [step for name in parts for step in all_parts[name]]
    found = [f"{s.command}: {fault}" for s in steps for fault in faults(s, folder, env)]
    left = sorted(p.name for p in (work / "home").iterdir() if p.name != ".cache")
    if left != ["defectra"]:
        found.append(f"something was written into the home folder: {', '.join(left)}")
    return found


def main() -> int:
    """Walk; 0 if all went as it should."""
    parser = argparse.ArgumentParser(description="A newcomer's walk through the project.")
    parser.add_argument("--quick", action="store_true", help="without the tutorials of minutes")
    parser.add_argument(
        "parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)}, or tutorials"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    chosen = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="walk-"))
    try:
        found = walk(work, chosen.parts, is_quick=chosen.quick)
    finally:
        if not chosen.keep:
            shutil.rmtree(work, ignore_errors=True)
    print("\n".join(["", *found]) if found else "\nThe walk came to its end.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
