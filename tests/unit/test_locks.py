"""Locks, conda YAML and pyproject.toml agree, and carry no address of any machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from defectra.core.locks import conda_yaml, direct, pins

ROOT = Path(__file__).resolve().parents[2]
ENVS = ROOT / "envs"
LOCKS = [
    *("installer.txt", "requirements.txt", "requirements-test.txt", "requirements-slurm.txt"),
    *("requirements-levels.txt", "requirements-measured.txt", "requirements-docs.txt"),
]


def text(name: str) -> str:
    return (ENVS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text(name))
    assert len(blocks) > 1
    assert [b.split()[0] for b in blocks if "==" in b and "--hash=sha256:" not in b] == []


@pytest.mark.parametrize("path", sorted(ENVS.iterdir()), ids=lambda p: p.name)
def test_no_index_address_and_no_absolute_path(path: Path) -> None:
    found = re.findall(
        r"https?://\S+|file:\S+|--(?:extra-)?index\S*|(?<![\w.])/\w+/\S+", path.read_text()
    )
    assert [word for word in found if word not in ("/bin/sh", "/dev/null")] == []


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_lock_satisfies_the_project(python: str) -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    have = pins(text("requirements.txt"), python)
    names = direct((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for wanted in (Requirement(d) for d in data["dependencies"]):
        if wanted.name in names:
            assert wanted.specifier.contains(have[wanted.name]), wanted
    tests = pins(text("requirements-test.txt"), python)
    for wanted in (Requirement(d) for d in data["optional-dependencies"]["test"]):
        assert wanted.specifier.contains(tests[wanted.name.lower()]), wanted


def test_test_lock_agrees_with_the_lock() -> None:
    base, tests = pins(text("requirements.txt")), pins(text("requirements-test.txt"))
    assert {k: tests[k] for k in base} == base


def test_slurm_lock_agrees_with_the_lock_and_is_not_in_the_default() -> None:
    base, more = pins(text("requirements.txt")), pins(text("requirements-slurm.txt"))
    assert {k: more[k] for k in base} == base
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for wanted in (Requirement(d) for d in data["optional-dependencies"]["slurm"]):
        assert wanted.specifier.contains(more[wanted.name]), wanted
        assert wanted.name not in base


def test_conda_yaml_is_in_step() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = conda_yaml(pyproject, text("requirements.txt"))
    assert text("defectra.yaml") == wanted, "run `make lock`"


def test_no_torch_in_the_default() -> None:
    assert not {"torch", "chgnet"} & set(pins(text("requirements.txt")))


def test_engines_bring_no_gpu_package_and_agree_with_the_extra() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    have = pins(text("requirements-engines.txt"))
    assert have["torch"].endswith("+cpu")
    for wanted in (Requirement(d) for d in data["optional-dependencies"]["engines"]):
        assert wanted.specifier.contains(have[wanted.name].split("+")[0]), wanted
    gpu = {n for n in have if n.startswith(("nvidia-", "cuda", "triton"))} - {"nvidia-ml-py3"}
    assert gpu == set()


def test_the_second_relaxer_adds_to_the_engines_and_moves_no_pin() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    have, engines = pins(text("requirements-relaxers.txt")), pins(text("requirements-engines.txt"))
    assert not {n for n in have if n.startswith(("nvidia-", "cuda", "triton"))}
    for known in (pins(text("requirements.txt")), engines):
        assert {n: v for n, v in have.items() if n in known} == {
            n: v for n, v in known.items() if n in have
        }
    for wanted in (Requirement(d) for d in data["optional-dependencies"]["relaxers"]):
        assert wanted.specifier.contains((engines | have)[wanted.name].split("+")[0]), wanted


def test_levels_agree_with_the_extra_and_move_no_pin_of_the_default() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    have = pins(text("requirements-levels.txt"))
    default = pins(text("requirements.txt"))
    assert {n: v for n, v in have.items() if n in default} == {
        n: v for n, v in default.items() if n in have
    }
    for wanted in (Requirement(d) for d in data["optional-dependencies"]["levels"]):
        assert wanted.specifier.contains(have[wanted.name]), wanted
