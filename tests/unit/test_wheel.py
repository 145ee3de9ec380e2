"""What a wheel holds, and what it says of what it does not hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from setuptools import find_packages

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow" / "defectra"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "setuptools"
]


def test_every_file_of_the_package_is_in_the_wheel():
    patterns = SETTINGS["package-data"]["*"]
    files = [p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    others = [p for p in files if p.suffix != ".py"]
    assert {p.suffix for p in others} >= {".smk", ".rst", ".csv"}
    missing = [p for p in others if not any(fnmatch(p.name, x) for x in patterns)]
    assert not missing, [str(p.relative_to(PACKAGE)) for p in missing]


def test_each_package_beside_ours_is_in_the_wheel():
    """Snakemake finds a logger plugin as a package of its own, whose name begins in its way."""
    find = SETTINGS["packages"]["find"]
    (where,) = find["where"]
    chosen = find_packages(ROOT / where, include=find["include"])
    shipped = {p.parent.name for p in (ROOT / where).glob("*/__init__.py")}
    assert shipped == {name for name in chosen if "." not in name}
    assert "snakemake_logger_plugin_defectra" in shipped


def test_the_shipped_config_is_in_the_wheel():
    chosen = [p for group in SETTINGS["data-files"].values() for x in group for p in ROOT.glob(x)]
    folders = {Path(n).relative_to("share/defectra") for n in SETTINGS["data-files"]}
    wanted = [p for p in (ROOT / "config").rglob("*") if p.suffix in (".yaml", ".csv", ".json")]
    assert sorted(chosen) == sorted(wanted)
    assert {p.parent.relative_to(ROOT) for p in wanted} == folders


@pytest.mark.parametrize("module", ["campaign.worker", "cli.launcher", "core.configdocs"])
def test_what_needs_a_checkout_says_so(tmp_path, module):
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "site" / "defectra", ignore=ignore)
    words = {"campaign.worker": ["xanes"], "cli.launcher": ["run"]}.get(module, [])
    done = subprocess.run(
        [sys.executable, "-P", "-m", f"defectra.{module}", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert "from a checkout of the repository" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["site"]


def test_the_version(capsys):
    from defectra.cli.main import main

    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("defectra")
