"""``defectra levels``: answers, warnings outside the domain, sentences for what makes no sense."""

import numpy as np
import pytest

from defectra.cli.main import main
from defectra.core.errors import TableError
from defectra.studies.levels.ask import Question, ask
from defectra.studies.levels.evaluate import Data
from defectra.studies.levels.features import defects
from defectra.studies.levels.hosts import chemistry, read_hosts
from defectra.studies.levels.published import VACANCY
from defectra.studies.levels.saved import train
from defectra.studies.levels.settings import Learning, LevelsStudy

NAMES = ["CdTe", "ZnSe", "ZnS", "GaAs", "InP", "AlP", "GaP"]


@pytest.fixture(scope="module")
def model():
    from defectra.core.paths import PROJECT

    hosts = read_hosts(PROJECT / "resources/levels/hosts.csv")
    keys = [(h, s, m) for h in NAMES for m in ("Cu", "As", "Cl", VACANCY) for s in ("M_A", "M_B")
            if m not in h]  # fmt: skip
    rows = defects(keys, hosts)
    steps = np.linspace(-0.5, 1.2, 6) * rows.gap[:, None]
    labels = steps + np.random.default_rng(1).normal(0, 0.1, (len(keys), 6))
    scored = np.array([k[2] != VACANCY for k in keys])
    study = LevelsStudy(candidates=1, learning=Learning(parts=3, most_per_host=6, steps=3))
    return train(Data(keys, ["x"] * len(keys), labels, scored, rows), hosts, study, 1)


@pytest.fixture
def path(model, tmp_path):
    model.save(tmp_path / "model.npz")
    return str(tmp_path / "model.npz")


def told(path, *words):
    return main(["levels", *words, "--model", path])


def test_a_learnt_host_needs_its_name_alone(path, capsys):
    assert told(path, "ZnSe", "--impurity", "Ag", "--site", "M_A") == 0
    text = capsys.readouterr().out
    assert "Ag on M_A in ZnSe" in text
    assert text.count("±") == 6
    names = [line.split()[0] for line in text.splitlines() if line.startswith("  (")]
    assert names == ["(+3/+2)", "(+2/+1)", "(+1/0)", "(0/-1)", "(-1/-2)", "(-2/-3)"]
    assert "(90 %)" in text
    assert "Ag was learnt in no host" in text
    assert "intervals: as wide as the errors of defects left out of learnt hosts" in text


def test_a_host_of_ones_own_like_the_learnt_ones(path, model, capsys):
    own = ["MyHost", "--ions", "Zn", "Se", "--lattice", "5.66", "--gap", "2.65"]
    assert told(path, *own, "--impurity", "Cu", "--site", "M_A") == 0
    text = capsys.readouterr().out
    assert "±" in text
    assert "intervals: as wide as the errors of hosts left out" in text
    assert "learnt with another gap or lattice constant" in text
    near = ask(model, Question("ZnSe", "Cu", "M_A", 5.66, 2.65))
    assert 0 < near.distance < model.domain
    wide = ask(model, Question("ZnSe", "Cu", "M_A", 5.66, 3.65))
    assert wide.value[-1] > near.value[-1]  # levels near the conduction band go with the gap


@pytest.mark.parametrize(
    ("words", "doubt"),
    [
        (["ZnSe", "--lattice", "3.6", "--gap", "9.5"], "standard deviations"),
        (["CuCl", "--lattice", "5.41", "--gap", "3.3"], "is of no group"),
        (["MgN", "--lattice", "5.4", "--gap", "2.4"], "valence electrons a pair"),
    ],
)
def test_outside_the_domain_there_is_no_interval_and_the_exit_code_says_so(
    path, capsys, words, doubt
):
    assert told(path, *words, "--impurity", "As", "--site", "M_B") == 1
    text = capsys.readouterr().out
    assert "±" not in text
    assert "warning, no interval" in text
    assert doubt in text
    assert len([line for line in text.splitlines() if line.startswith("  (")]) == 6


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["MgS", "--impurity", "Cu", "--site", "M_A"], "lattice constant with --lattice in Å"),
        (["MgS", "--lattice", "5.6", "--impurity", "Cu", "--site", "M_A"], "gap with --gap in eV"),
        (["ZnSe", "--impurity", "Cu", "--site", "M_C"], "--site 'M_C'"),
        (["ZnSe", "--impurity", "Xx", "--site", "M_A"], "no chemical element"),
        (["ZnSe", "--impurity", "Zn", "--site", "M_A"], "is the host itself"),
        (["ZnSe", "--impurity", "vacancy", "--site", "M_i_A"], "a vacancy is on"),
        (["SeZn", "--impurity", "Cu", "--site", "M_A"], "the cation comes first: ZnSe"),
        (["ZnSe", "--gap", "11", "--impurity", "Cu", "--site", "M_A"], "expected 0 to 10 eV"),
        (["ZnSe", "--lattice", "56", "--impurity", "Cu", "--site", "M_A"], "3 to 8 Å"),
        (["GaInP", "--lattice", "5.6", "--impurity", "Cu", "--site", "M_A"], "one or two elements"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(path, capsys, words, why):
    assert told(path, *words) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("gap", ["-1", "0", "nan", "inf"])
def test_a_gap_that_is_no_gap_is_refused_by_the_command_line(path, capsys, gap):
    with pytest.raises(SystemExit) as left:
        told(path, "ZnSe", "--gap", gap, "--impurity", "Cu", "--site", "M_A")
    assert left.value.code == 2
    assert "--gap: a finite number above 0 is expected" in capsys.readouterr().err


def test_a_missing_or_foreign_model_is_said(tmp_path, capsys):
    words = ("ZnSe", "--impurity", "Cu", "--site", "M_A")
    assert told(str(tmp_path / "none.npz"), *words) == 2
    assert "`make levels` makes it" in capsys.readouterr().err
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    assert told(str(tmp_path / "bad.npz"), *words) == 2
    assert "bad.npz: no " in capsys.readouterr().err


def test_a_learnt_defect_tells_its_published_levels(model):
    key = model.keys[0]
    reply = ask(model, Question(*[key[0], key[2], key[1]]))
    assert any("published levels" in n and "no interval" in n for n in reply.notes)
    text = "\n".join(reply.sentences(model.level))
    assert "±" not in text, "a fit to the label is no prediction"
    assert "intervals:" not in text
    assert not reply.doubts
    with pytest.raises(TableError):
        ask(model, Question("ZnSe", "H", "M_A"))


def test_chemistry_is_that_of_the_anion():
    found = {h: chemistry(h) for h in ("CdTe", "BN", "C", "SiC", "SiGe", "Sn", "AlSb", "ZnO")}
    assert found == {"CdTe": "tellurides", "BN": "nitrides", "C": "carbides", "SiC": "carbides",
                     "SiGe": "group 14", "Sn": "group 14", "AlSb": "antimonides",
                     "ZnO": "oxides"}  # fmt: skip
