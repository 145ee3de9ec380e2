from __future__ import annotations

import pytest
import yaml

from defectra.core.config import load, merge
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


def test_user_file_wins_over_study_file(tmp_path, root):
    for folder in ("protocols", "studies"):
        (tmp_path / folder).mkdir()
        for file in (root / "config" / folder).glob("*.yaml"):
            (tmp_path / folder / file.name).write_text(file.read_text())
    (tmp_path / "studies/nmc.yaml").write_text("shards: 3\nladder_every: 7\n")
    (tmp_path / "config.yaml").write_text("nmc: {shards: 5}\n")
    config = load(tmp_path / "config.yaml")
    assert (config.nmc.shards, config.nmc.ladder_every) == (5, 7)


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
    for word in [*words, ".yaml"]:
        assert word in message


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
