"""The command `defectra`: every verb has help with examples; plan, status, and words like known."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from events import GUARD_S

from defectra.campaign.chunk_state import ChunkState, write_state
from defectra.campaign.run_events import Event, Steps
from defectra.cli import main as command_line
from defectra.cli.help import Parser, command
from defectra.cli.plan import jobs
from defectra.core.config import load
from defectra.core.errors import ConfigError, EngineError, StructureWarning, meant
from defectra.core.number_types import number
from defectra.core.paths import PROJECT
from defectra.core.results_lock import holder, take
from defectra.engines.feff.input import cluster, feff_input
from defectra.engines.spectrum import programs_of_spectra
from defectra.learn.answers import study_of_model

DATA = Path(__file__).resolve().parents[1] / "data"
VERBS = (
    *("import", "run", "look", "table", "train", "predict", "new-study", "digitise", "show"),
    *("doctor", "plan", "status", "structures", "targets", "levels"),
)


def called(capsys, *words):
    """Exit code and what was printed."""
    try:
        code = command_line.main(list(words))
    except SystemExit as stopped:
        code = stopped.code
    return code, capsys.readouterr()


def test_help_lists_every_verb(capsys):
    code, said = called(capsys, "--help")
    assert code == 0
    assert set(re.findall(r"^    ([a-z-]+)(?: |$)", said.out, re.MULTILINE)) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples_that_its_parser_takes(capsys, monkeypatch, verb):
    code, said = called(capsys, verb, "--help")
    assert code == 0
    examples = re.findall(rf"^  (defectra {verb}.*)$", said.out, re.MULTILINE)
    assert examples
    ran = []
    original = Parser.parse_args

    def parsed(self, arguments=None, namespace=None):
        found = original(self, arguments, namespace)
        found.run = lambda chosen: ran.append(chosen) or 0
        return found

    monkeypatch.setattr(Parser, "parse_args", parsed)
    for example in examples:
        assert called(capsys, *shlex.split(example)[1:])[0] == 0, example
    assert len(ran) == len(examples)


def test_a_verb_without_example_is_refused():
    commands = Parser().add_subparsers()
    with pytest.raises(ValueError, match="example"):
        command(commands, "toy", "plays")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["plann"], "did you mean 'plan'?"),
        (["show"], "--help` has examples"),
        (["run", "fef", "a.cif"], "did you mean 'feff'?"),
        (["run", "feff", "--egde", "O K"], "--egde: no option, did you mean '--edge'?"),
        (["import", "a", "b"], "b: one word too many"),
        (["levels", "ZnSe", "--lattice", "big"], "a finite number above 0 is expected, not 'big'"),
        (["run", "feff", "--site", "1.5"], "a whole number, 0 or above, is expected, not '1.5'"),
        (["plan", "xanez"], "no target xanez, did you mean 'xanes'?"),
        (["trace", "0000000000"], "nothing is known of '0000000000'"),
    ],
)
def test_a_word_that_is_none_gets_the_nearest(capsys, words, says):
    code, said = called(capsys, *words)
    assert code == 2
    assert says in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("word", ["nan", "inf", "-1", "1e999"])
@pytest.mark.parametrize(
    "words",
    [
        *("predict m.npz a.dat --shift-sd", "predict m.npz a.dat --reference-e0"),
        *("levels ZnSe --impurity Cu --site M_A --gap", "plan --minutes", "run feff a.cif --site"),
        *("train t.csv --target y --group g --trees", "train t.csv --target y --group g --seed"),
        *("levels ZnSe --impurity Cu --site M_A --lattice", "digitise a.png --line"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_by_the_parser(capsys, words, word):
    code, said = called(capsys, *words.split(), word)
    assert code == 2
    assert f"expected, not '{word}'" in said.err


def test_a_shift_may_be_negative_and_is_finite(capsys):
    assert number("-0.8") == -0.8
    assert "finite" in called(capsys, "predict", "m.npz", "a.dat", "--shift", "nan")[1].err
    model = str(PROJECT / "resources/models/nmc_edges.npz")
    assert "no shift in eV" in called(capsys, "predict", model, "Ni K=a.dat@nan")[1].err


def test_no_option_takes_any_number_whatever():
    """The types of `core/number_types.py` refuse nan, inf and what lies out of range."""
    files = [*(PROJECT / "workflow").rglob("*.py"), *(PROJECT / "benchmarks").rglob("*.py")]
    assert files
    bare = re.compile(r"add_argument\([^)]*\btype=(?:int|float)\b")
    assert [str(f) for f in files if bare.search(f.read_text())] == []


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("sead", ["seed", "studies"], ", did you mean 'seed'?"),
        ("NMC", ["nmc", "NMCX"], ", did you mean 'nmc'?"),
        ("quite else", ["seed"], ""),
        (3, ["seed"], ""),
    ],
)
def test_nearest_word(word, known, found):
    assert meant(word, known) == found


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("studies: [nmcc]\nsead: 1\nnmc: {shards: -1, enginee: feff}\nmirror: 5\n")
    with pytest.raises(ConfigError) as refused:
        load(path)
    lines = str(refused.value).splitlines()
    assert len(lines) == 5
    assert all(line.startswith(f"{path}: ") for line in lines)
    text = "\n".join(lines)
    assert all(f"did you mean '{word}'" in text for word in ("nmc", "seed", "engine"))


def test_protocol_like_a_known_one(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("nmc: {protocol: fats}\n")
    with pytest.raises(ConfigError, match=r"no protocol 'fats', did you mean 'fast'\?; allowed"):
        load(path)


@pytest.mark.parametrize("absorber", ["Te", "O"])
def test_element_that_feff_here_does_not_know_is_a_sentence(absorber):
    """As absorber, and as neighbour."""
    other = "Te" if absorber == "O" else "Zn"
    row = {
        "lattice": [4.0, 0, 0, 0, 4.0, 0, 0, 0, 4.0],
        "species": [absorber, other],
        "coords": [0, 0, 0, 0.5, 0.5, 0.5],
        "site_labels": ["a", "b"],
    }
    protocol = load().protocols.feff["fast"]
    with pytest.raises(EngineError, match=r"know Li, O, Mn, Co, Ni, not Te: .*`defectra run"):
        feff_input(cluster(row, 0), "K", protocol, 0.1)


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.npz", b"words"), ("a.npz", b""), ("a.pkl", b"\x80\x04}."), ("a.safetensors", b"x")],
)
def test_a_file_that_is_no_model_is_refused_without_words_of_pickle(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(Exception, match=r"no (npz file|model of Defectra)") as refused:
        study_of_model(path)
    assert "allow_pickle" not in str(refused.value)
    assert "unsafely" not in str(refused.value)


def test_jobs_of_a_dry_run():
    steps = Steps().read([Event("start"), Event("plan", jobs={"calculate": 2, "all": 1})])
    assert [line.split() for line in jobs(steps).splitlines()[1:]] == [
        ["calculate", "2"],
        ["all", "1"],
        ["total", "3"],
    ]
    assert jobs(Steps().read([Event("start")])).startswith("Nothing to do")


@pytest.fixture
def folder(tmp_path):
    """A folder whose last run failed."""
    logs = tmp_path / "results" / "logs"
    logs.mkdir(parents=True)
    (logs / "run-20260101-120000.log").write_text("words of Snakemake\n")
    events = [
        Event("start"),
        Event("plan", jobs={"calculate": 2, "gather": 1}),
        Event("progress", done=1, total=3),
        Event("failed", 2, "gather", ("results/logs/gather.log",)),
    ]
    lines = [event.to_line() for event in events]
    (logs / "run-20260101-120000.events.jsonl").write_text("".join(lines))
    (logs / "gather.log").write_text("ValueError: no rows\n")
    store = tmp_path / "results" / "store"
    write_state(store / "toy-00.progress", ChunkState(2, 5, 2, 1.0, 2.0, 9.0, 5.0, impossible=1))
    write_state(store / "toy-01.progress", ChunkState(5, 5, 0, 1.0, 2.0))
    return tmp_path


def test_status_tells_chunks_and_failures(folder, capsys):
    code, said = called(capsys, "status", "--directory", str(folder))
    assert code == 1
    assert "at work: nothing" in said.out
    assert "step 1/3, stopped before its end" in said.out
    assert "toy: 7 of 10 calculations in 2 chunks, 1 cannot be computed here" in said.out
    assert "toy-00: 2 of 5" in said.out
    assert "toy-01:" not in said.out
    assert "Rule gather failed" in said.out
    assert "no rows" in said.out


def test_status_of_a_run_of_an_earlier_version_claims_no_failure(folder, capsys):
    (folder / "results/logs/run-20260101-120000.events.jsonl").unlink()
    code, said = called(capsys, "status", "--directory", str(folder))
    assert code == 0
    assert "its steps are not recorded" in said.out
    assert "failed" not in said.out.lower()


def test_status_of_a_run_at_work(folder, capsys):
    with take(folder / "results"):
        code, said = called(capsys, "status", "--directory", str(folder))
    assert "at work: process" in said.out
    assert "stopped" not in said.out
    assert code == 0


def test_asking_for_the_holder_leaves_the_lock_to_others(folder, capsys):
    _, said = called(capsys, "status", "--directory", str(folder))
    assert "at work: nothing" in said.out
    with take(folder / "results") as handle:
        assert fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB) is None, "free for a run"
        assert holder(folder / "results")


def test_status_of_nothing_says_so(tmp_path, capsys):
    code, said = called(capsys, "status", "--directory", str(tmp_path))
    assert code == 2
    assert "nothing was run here" in said.err
    assert not (tmp_path / "results").exists()


def test_show_tells_the_file_that_was_meant(tmp_path, capsys):
    figure = tmp_path / "results" / "toy" / "figures" / "parity.png"
    figure.parent.mkdir(parents=True)
    figure.touch()
    words = ("show", "results/toy/figures/pairty.png", "--directory", str(tmp_path))
    code, said = called(capsys, *words)
    assert code == 2
    assert "did you mean 'results/toy/figures/parity.png'?" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train {0}/t.csv --target a --group gg", "no column 'gg', did you mean 'g'"),
        ("train {0}/t.csv --target b --group g", r"words \(e.g. 'n'\)"),
        ("table {0}/empty", "no finished run found"),
        ("plan --config {0}/empty", "empty: a folder; name a config file"),
        ("structures {0}/r.yaml --out a.extxyz", "did you mean 'supercell'"),
        ("structures {0}/t.csv --out a.extxyz", "no request .YAML"),
    ],
)
def test_mistakes_are_named_with_the_way_out(tmp_path, capsys, words, said):
    (tmp_path / "t.csv").write_text("a,b,g\n1,2,x\n2,n,y\n")
    (tmp_path / "r.yaml").write_text("prototype: layered\nsupercel: 2\n")
    (tmp_path / "empty").mkdir()
    code, printed = called(capsys, *words.format(tmp_path).split())
    assert code == 2
    assert re.search(said, printed.err)


def test_of_several_structures_one_that_is_none_does_not_end_the_others(capsys, tmp_path):
    """And the same word for a folder, a file and nothing, wherever one is named."""
    good, bad = tmp_path / "good.cif", tmp_path / "bad.cif"
    good.write_bytes((DATA / "reading/s02_cif_forms/ref.cif").read_bytes())
    bad.write_text("hello")
    words = ["--edge", "O K", "--write", "--out", str(tmp_path / "runs")]
    code, said = called(capsys, "run", "feff", str(good), str(bad), str(good), *words)
    assert code == 1
    lines = said.out.splitlines()
    assert [line.split(":")[0] for line in lines] == [str(good), "refused", str(good)]
    assert f"refused: {bad}: line 1" in said.out
    code, said = called(capsys, "run", "feff", str(bad), *words)
    assert code == 2, "alone, it is the end"
    for name in ("run feff", "digitise", "levels ZnSe --impurity Cu --site M_A --model", "predict"):
        assert "a folder; name a file in it" in called(capsys, *name.split(), str(tmp_path))[1].err
    for name in ("import", "table"):
        assert "a file; name the folder" in called(capsys, name, str(good))[1].err


@pytest.mark.parametrize(
    ("error", "says", "code"),
    [
        (PermissionError(13, "Permission denied", "a.dat"), "look: a.dat: Permission denied", 2),
        (KeyboardInterrupt(), "look: stopped", 130),
    ],
)
def test_what_the_machine_refuses_is_a_sentence(capsys, monkeypatch, error, says, code):
    def fails(chosen):
        raise error

    monkeypatch.setattr(command_line, "run_look", fails)
    found, said = called(capsys, "look", "a.dat")
    assert (found, said.err) == (code, f"defectra {says}\n")


def test_a_reader_that_has_enough_is_no_error():
    words = [sys.executable, "-m", "defectra.cli.main", "targets"]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.close()
    _, said = child.communicate(timeout=GUARD_S)
    assert said == b""


def test_a_model_of_edges_without_a_spectrum_or_with_another_edge(capsys, tmp_path):
    model = str(PROJECT / "resources/models/nmc_edges.npz")
    assert "no spectrum is named" in called(capsys, "predict", model)[1].err
    said = called(capsys, "predict", model, "Fe K=a.dat")[1].err
    assert "does not know Fe K, but Li K" in said
    where = tmp_path / "none.dat"
    assert f"{where}: no such file" in called(capsys, "predict", model, f"Ni K={where}")[1].err


def test_a_folder_that_cannot_be_read_is_counted_or_ends_the_import(capsys, monkeypatch, tmp_path):
    """Root reads everything, so that the refusal of the system is played."""
    (tmp_path / "runs" / "locked").mkdir(parents=True)
    locked, walk = [tmp_path / "runs" / "locked"], os.walk

    def refusing(root, onerror=None):
        for path, *rest in walk(root):
            if Path(path) in locked:
                onerror(PermissionError(13, "Permission denied", path))
            else:
                yield path, *rest

    monkeypatch.setattr("os.walk", refusing)
    words = ["import", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    said = called(capsys, *words)[1].out
    assert "passed over, folder that cannot be read (Permission denied): 1" in said
    locked.append(tmp_path / "runs")
    code, said = called(capsys, *words)
    assert code == 2
    assert "runs: folder that cannot be read (Permission denied)" in said.err


@pytest.mark.parametrize("engine", ["nosuch", "abtem", "synthetik", "vaps"])
def test_run_lists_the_programs_that_it_takes_and_no_others(capsys, engine):
    code, said = called(capsys, "run", engine, "a.cif")
    listed = said.err.rstrip().rpartition("these give spectra: ")[2]
    assert (code, listed) == (2, ", ".join(programs_of_spectra()))
    assert ("did you mean 'vasp'" in said.err) == (engine == "vaps")


def test_a_warning_is_its_message_alone(capsys, monkeypatch):
    said, before = [], warnings.formatwarning
    place = ("two atoms", StructureWarning, "cell_checks.py", 113, "remark()")

    def look(chosen):
        return said.append(warnings.formatwarning(*place)) or 0

    monkeypatch.setattr(command_line, "run_look", look)
    assert called(capsys, "look", "a.dat")[0] == 0
    assert said == ["defectra look: warning: two atoms\n"]
    assert warnings.formatwarning is before
