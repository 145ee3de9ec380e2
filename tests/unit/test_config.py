from __future__ import annotations

import json

import pytest
import yaml

from defectra.campaign.studies import requests_of, studies_with_requests
from defectra.core import named_files
from defectra.core.config import load, merge, of_command_line
from defectra.core.errors import ConfigError
from defectra.structures.composition import all_compositions, parse_composition


def test_precedence_later_layer_wins_key_by_key():
    out = merge({"a": {"x": 1, "y": 2}, "b": [1, 2]}, {"a": {"y": 3}}, {"b": [5]})
    assert out == {"a": {"x": 1, "y": 3}, "b": [5]}


def test_merge_leaves_its_layers_alone():
    first = {"a": {"x": 1}}
    out = merge(first, {"a": {"y": 2}})
    out["a"]["x"] = 9
    assert first == {"a": {"x": 1}}


def test_precedence_base_protocol_user(root):
    plain = load(root / "config/config.yaml")
    mine = load(root / "config/config.yaml", {"protocols": {"feff": {"fast": {"scf_radius": 2.2}}}})
    assert plain.protocols.feff["fast"].mixing == plain.protocols.feff["balanced"].mixing
    assert mine.protocols.feff["fast"].scf_radius == 2.2
    assert mine.protocols.feff["balanced"] == plain.protocols.feff["balanced"]


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"nmc": {"shard": 3}}, ["nmc.shard", "unknown key", "shards"]),
        ({"nmc": {"structures": {"compositions": ["NMC111"]}}}, ["NMC111", "3.33", "36"]),
        ({"nmc": {"structures": {"compositions": ["Ni6Mn2Co1"]}}}, ["sums to 9", "10"]),
        ({"nmc": {"structures": {"compositions": ["Ni8Mn2"]}}}, ["Ni8Mn2", "form"]),
        ({"nmc": {"structures": {"lithium": [0.55]}}}, ["0.55", "multiples of 1/10"]),
        ({"nmc": {"edges": {"Fe K": {"start": 1, "stop": 2}}}}, ["Fe K", "'Ni K'", "allowed"]),
        ({"nmc": {"edges": {"O K": {"start": 560, "stop": 530}}}}, ["530", "above"]),
        ({"nmc": {"protocol": "best"}}, ["best", "fast, balanced, stringent"]),
        ({"protocols": {"feff": {"fast": {"scf_radius": -1}}}}, ["feff.fast.scf_radius", "-1"]),
        ({"nmc": {"sites": {"O": 0}}}, ["sites.O is 0"]),
        ({"studies": ["nmcc"]}, ["nmcc", "'nmc'"]),
    ],
)
def test_errors_name_key_and_allowed_values(root, user, words):
    with pytest.raises(ConfigError) as caught:
        load(root / "config/config.yaml", user)
    message = str(caught.value)
    assert message.count("\n") == 0
    for word in [*words, "the command line"]:
        assert word in message


SHIPPED_FAST = load().protocols.feff["fast"]


@pytest.fixture
def elsewhere(tmp_path):
    """A user's file outside the project, with studies and protocols of its own beside it."""
    for folder in ("protocols", "studies"):
        (tmp_path / folder).mkdir()
    (tmp_path / "studies/nmc.yaml").write_text("shards: 3\nladder_every: 7\n")
    (tmp_path / "protocols/feff.yaml").write_text(
        "fast: {scf_radius: 2.5}\nmine: {fms_radius: 4.4}\n"
    )
    path = tmp_path / "my.yaml"
    path.write_text("nmc: {shards: 5}\n")
    return path


def test_a_file_anywhere_stands_on_the_shipped_protocols(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("seed: 7\n")
    assert load(path) == load().model_copy(update={"seed": 7})


def test_files_beside_the_users_are_merged_over_the_shipped(elsewhere):
    config = load(elsewhere)
    assert (config.nmc.shards, config.nmc.ladder_every) == (5, 7)
    assert config.protocols.feff["fast"] == SHIPPED_FAST.model_copy(update={"scf_radius": 2.5})
    assert config.protocols.feff["mine"].fms_radius == 4.4
    assert config.protocols.feff["mine"].scf_radius == load().protocols.feff["fast"].scf_radius
    assert config.protocols.gpaw == load().protocols.gpaw


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("my.yaml", "nmc: {shard: 3}", ["my.yaml: nmc.shard", "did you mean 'shards'"]),
        ("my.yaml", "nmc: {protocol: best}", ["my.yaml: ", "nmc.protocol", "fast, balanced"]),
        ("studies/nmc.yaml", "ladder_every: none", ["studies/nmc.yaml: nmc.ladder_every"]),
        ("protocols/feff.yaml", "fast: {scf_radius: -1}", ["protocols/feff.yaml: ", "scf_radius"]),
        ("protocols/fef.yaml", "fast: {}", ["fef.yaml: protocols.fef", "did you mean 'feff'"]),
    ],
)
def test_a_mistake_names_the_users_own_file(elsewhere, file, text, words):
    (elsewhere.parent / file).write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(elsewhere)
    for word in [*words, str(elsewhere.parent)]:
        assert word in str(caught.value)


def test_command_line_files_then_keys(elsewhere, tmp_path):
    (tmp_path / "more.yaml").write_text("nmc: {shards: 6, sites: {O: 3}}\n")
    given = {"file": "my.yaml", "seed": 7, "nmc": {"drift_sample": "2", "sites": {"Ni": "4"}}}
    config = of_command_line(given, [tmp_path / "more.yaml"], tmp_path)
    assert (config.seed, config.nmc.shards, config.nmc.drift_sample) == (7, 6, 2)
    assert (config.nmc.sites["Ni"], config.nmc.sites["O"], config.nmc.sites["Li"]) == (4, 3, 1)
    assert of_command_line({}, [], tmp_path) == load()
    assert of_command_line({"seed": 8}, [], tmp_path, {"seed": 3, "archive": "a"}).seed == 8
    assert of_command_line({}, [], tmp_path, {"archive": "a"}).archive == "a"
    assert of_command_line({"mirror": "data"}, [], tmp_path).mirror == str(tmp_path / "data")
    limit = {"nmc": {"structures": {"per_composition": "3", "count": "null"}}}
    assert of_command_line(limit, [], tmp_path).nmc.structures.count is None


def test_an_unknown_key_of_the_command_line_is_refused_with_the_likely_one(tmp_path):
    with pytest.raises(
        ConfigError, match=r"fle: unknown key, did you mean 'file'.*allowed: file, "
    ):
        of_command_line({"fle": "my.yaml"}, [], tmp_path)
    with pytest.raises(ConfigError, match=r"my\.yaml: no such file$"):
        of_command_line({"file": "my.yaml"}, [], tmp_path)


@pytest.mark.parametrize("text", ["nmc: [", "- a\n- b\n", "nmc:\n\t- x", "\x00"])
def test_broken_yaml_is_one_sentence(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        load(tmp_path / "config.yaml")


def test_python_tags_in_yaml_are_refused(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: !!python/object/apply:os.getpid []\n")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load(tmp_path / "config.yaml")


def test_thirty_six_compositions_of_ten_metals():
    names = all_compositions(10)
    assert len(names) == len(set(names)) == 36
    for short, long in {
        "NMC622": "Ni6Mn2Co2",
        "NMC721": "Ni7Mn2Co1",
        "NMC811": "Ni8Mn1Co1",
        "NMC532": "Ni5Mn3Co2",
    }.items():
        assert parse_composition(short, 10) == long
        assert long in names


def test_shipped_configs_are_valid(root):
    files = sorted((root / "config").glob("*.yaml"))
    assert files
    for file in files:
        load(file)
        assert yaml.safe_load(file.read_text())


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"studies": ["hbn", "hbn"]}, ["studies", "'hbn' stands twice"]),
        ({"studies": []}, ["studies", "at least 1"]),
        ({"plots": {"dpi": [100, 50, 100]}}, ["plots.dpi", "100 stands twice"]),
        ({"stem4d": {"doses": ["phase"]}}, ["doses: phase", "methods"]),
        ({"hbn": {"charges": [0, 0]}}, ["hbn.charges", "0 stands twice"]),
        ({"levels": {"multifidelity": {"fractions": [0.1, 0.1]}}}, ["fractions", "0.1"]),
        ({"xanes": {"features": ["cdf+cwt", "cwt+cdf"]}}, ["xanes.features", "cwt+cdf"]),
        ({"nmc": {"structures": {"compositions": ["NMC622", "Ni6Mn2Co2"]}}}, ["each once"]),
        ({"nmc": {"blocks": {"lithium": [0.33]}}}, ["blocks.lithium: 0.33", "multiples of 1/10"]),
        ({"nmc": {"blocks": {"protocol": "campain"}}}, ["blocks.protocol", "'campaign'"]),
        ({"perovskites": {"repeated": ["gap_HSe"]}}, ["repeated", "did you mean 'gap_HSE'"]),
        ({"xanes": {"nickel": {"features": ["cdv"]}}}, ["nickel.features", "'cdf'"]),
        ({"xanes": {"nickel": {"protocol": "fasst"}}}, ["nickel.protocol", "'fast'"]),
        ({"xanes": {"ladder": {"rungs": ["fef fast"]}}}, ["ladder.rungs", "'feff'"]),
        ({"xanes": {"ladder": {"rungs": ["feff fasst"]}}}, ["ladder.rungs.0", "'fast'"]),
    ],
)
def test_what_would_count_twice_or_be_passed_over_is_refused(root, user, words):
    with pytest.raises(ConfigError) as caught:
        load(root / "config/config.yaml", user)
    for word in [*words, "the command line"]:
        assert word in str(caught.value)


PARSED = {"host": "CdTe", "dielectric": [1.0] * 9}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("archive: /nowhere", ["archive: /nowhere: no such folder", "resources/archive"]),
        ("archive: mine.yaml", ["no such folder", "below"]),
        ("mirror: /nowhere", ["mirror: /nowhere: no such folder", "MIRROR=FOLDER"]),
        ("hbn: {archive: /nowhere}", ["hbn.archive: /nowhere", "resources/archive/hbn"]),
        ("levels: {live: {archive: /nowhere}}", ["levels.live.archive", "leave the key out"]),
        ("xanes: {ladder: {archive: /nowhere}}", ["xanes.ladder.archive"]),
        ("nmc: {parsed: [nowhere]}", ["nmc.parsed: ", "nowhere: no such folder", "finished runs"]),
        ("nmc: {parsed: [empty]}", ["nmc.parsed: ", "empty: no file in it"]),
        ("xanes: {parsed: [runs]}", ["xanes.parsed: ", "no xmu.dat*"]),
        ("xanes: {ladder: {parsed: [mine.yaml]}}", ["ladder.parsed: ", "mine.yaml: a file"]),
        ("levels: {live: {parsed: [{folder: none, %s}]}}", ["levels.live.parsed: ", "no such"]),
        ("levels: {live: {parsed: [{folder: empty, %s}]}}", ["no vasprun.xml or vasprun.xml.gz"]),
        ("levels: {live: {results: [none.json]}}", ["levels.live.results: ", "none.json: no such"]),
        ("hbn: {measured: {files: [empty]}}", ["hbn.measured.files: ", "empty: a folder"]),
        ("levels: {ordinary: [CdTe, GaAz]}", ["levels.ordinary", "did you mean 'GaAs'"]),
    ],
)
def test_what_a_config_names_and_is_not_there_is_refused_before_anything_starts(
    tmp_path, text, words
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "vasprun.xml").touch()
    mine = tmp_path / "mine.yaml"
    mine.write_text(text % json.dumps(PARSED)[1:-1] if "%s" in text else text)
    with pytest.raises(ConfigError) as caught:
        load(mine, run=tmp_path)
    for word in [*words, str(mine)]:
        assert word in str(caught.value)


def test_own_folders_are_relative_to_the_run_and_the_usual_archive_may_be_absent(
    tmp_path, monkeypatch
):
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "vasprun.xml.gz").touch()
    parsed = [{"folder": "runs", **PARSED}]
    user = {"nmc": {"parsed": ["runs"]}, "levels": {"live": {"parsed": parsed}}}
    assert load(user=user, run=tmp_path).nmc.parsed == ["runs"]
    monkeypatch.setattr(named_files, "PROJECT", tmp_path)
    assert load(run=tmp_path) == load()
    with pytest.raises(ConfigError, match=r"archive: .*mine: no such folder"):
        load(user={"archive": "mine"}, run=tmp_path)
    (tmp_path / "mine").mkdir()
    assert load(user={"archive": "mine"}, run=tmp_path).archive == "mine"


def test_array_studies_keep_their_calculations_below_the_archive_of_the_config():
    config = load(user={"archive": "mine"})
    own = ("hbn", "levels", "nmc", "perovskites", "xanes")
    for study in [name for name in studies_with_requests() if name not in own]:
        assert requests_of(study).archive(config) == f"mine/{study}"
        assert requests_of(study).archive(load()) == f"resources/archive/{study}"
