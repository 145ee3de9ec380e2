"""The published hosts, random levels in some of them, and a model that learnt those."""

import numpy as np
import pytest
from level_world import HOSTS, IMPURITIES, QUICK

from defectra.studies.levels.evaluate import Data
from defectra.studies.levels.features import defects
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.published import VACANCY
from defectra.studies.levels.saved import train


@pytest.fixture
def hosts(root):
    return read_hosts(root / "resources" / "levels" / "hosts.csv")


@pytest.fixture
def world(hosts):
    keys = [(h, s, m) for h in HOSTS for m in IMPURITIES for s in ("M_A", "M_B")]
    generator = np.random.default_rng(1)
    labels = np.sort(generator.normal(0.5, 1.0, (len(keys), 6)), axis=1)
    scored = np.array([k[2] != VACANCY for k in keys])
    return Data(keys, ["II-VI"] * len(keys), labels, scored, defects(keys, hosts))


@pytest.fixture
def model(world, hosts):
    return train(world, hosts, QUICK, 1)
