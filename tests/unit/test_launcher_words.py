"""Words of a command line: targets, commands that only look, folders with blanks in their names."""

from __future__ import annotations

import shlex
import subprocess
from types import SimpleNamespace

import pytest

from defectra.cli import launcher
from defectra.cli.launcher import _options
from defectra.cli.looks import _FLAGS
from defectra.core.paths import PROJECT
from defectra.core.results_lock import take


@pytest.mark.parametrize(
    "words",
    [
        "run xrd --config config/tiny.yaml --directory {0} --profile default",
        "run --config config/tiny.yaml --directory {0} --profile default xrd",
        "run --directory {0} xrd --config config/tiny.yaml --forcerun gather_xrd",
        "run --profile default --directory {0} --config config/tiny.yaml xrd",
    ],
)
def test_a_study_is_found_wherever_it_stands(tmp_path, words):
    options = _options(words.format(tmp_path).split())
    assert options.targets == ("xrd",)
    assert options.wanted == ("xrd", "results/xrd/report.html")


@pytest.mark.parametrize("cores", ["0", "-1", "two", "1.5"])
def test_a_number_of_cores_that_is_none_is_refused(cores, capsys):
    with pytest.raises(SystemExit):
        _options(["run", f"--cores={cores}"])
    assert f"a whole number above 0 is expected, not '{cores}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "looks"),
    [
        ("-n", True),
        ("-np", True),
        ("-pn", True),
        ("-Fn --quiet", True),
        ("--dag=dot", True),
        ("--li", True),
        ("-p -k", False),
        ("-qn", False),  # n is what is not said
        ("-kp -R nmc", False),
        ("--printshellcmds --notemp", False),
        ("--unlock", False),
    ],
)
def test_a_word_that_makes_snakemake_look_is_known(tmp_path, words, looks):
    options = _options(["run", "--directory", str(tmp_path), *words.split()])
    assert options.is_reading == looks
    assert options.is_unlocking == (words == "--unlock")


def test_flags_that_may_stand_together_are_those_of_snakemake():
    from snakemake.cli import get_argument_parser

    actions = get_argument_parser()._actions
    flags = {o[1] for a in actions if a.nargs == 0 for o in a.option_strings if len(o) == 2}
    assert set(_FLAGS) == flags - {"h"}  # our own help


def test_unlocking_makes_nothing_and_refuses_where_a_run_is_at_work(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(launcher, "run", lambda options: pytest.fail(str(options)))
    monkeypatch.setattr(launcher, "check_config", lambda options: None)
    monkeypatch.setattr(
        launcher.subprocess,
        "run",
        lambda words, **_: started.append(words) or SimpleNamespace(returncode=0),
    )
    words = ["run", "--directory", str(tmp_path), "--unlock"]
    assert launcher.main(words) == 0
    assert "--unlock" in started.pop()
    with take(tmp_path / "results"):
        assert launcher.main(words) == 3
    assert not started


@pytest.mark.parametrize("target", ["run", "report", "plan", "nmc", "ladder"])
def test_folders_with_blanks_are_one_word_to_make(target):
    named = {"CONFIG": "my own.yaml", "DIRECTORY": "/tmp/my runs", "MIRROR": "~/my data"}
    words = ["make", "-n", target, *(f"{key}={value}" for key, value in named.items())]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
    lines = done.stdout.replace("\\\n", " ").splitlines()
    found = [word for line in lines for word in shlex.split(line)]
    assert {"my own.yaml", "/tmp/my runs"} <= set(found)
    assert "~/my data" in found
    assert '~/"my data"' in done.stdout, "a tilde in quotes would stand for itself"
    if target == "report":
        assert "/tmp/my runs/results/report.html" in found
