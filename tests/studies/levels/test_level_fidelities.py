"""Two fidelities of levels: planted ones are found, curves of the published study."""

import numpy as np
import pytest

from defectra.learn.fidelity import METHODS, Pair
from defectra.studies.levels import learning_curves
from defectra.studies.levels.settings import Multifidelity


def two_fidelities(n=60, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.uniform(-2, 2, (n, 2))

    def low_fidelity(z):
        return np.sin(2.2 * z[:, 0]) * np.cos(2.0 * z[:, 1])

    def high_fidelity(z):
        return 1.4 * low_fidelity(z) + 0.3 * z[:, 0] + 0.5

    return x, low_fidelity, high_fidelity


@pytest.mark.parametrize("known", [True, False])
def test_two_fidelities_beat_one_where_the_high_fidelity_is_planted_on_the_low_one(known):
    x, low, high = two_fidelities(220)
    few, new = x[:15], x[160:]
    blank = np.full(len(new), np.nan)
    pair = Pair(x[:160], low(x[:160]), few, high(few), low(few), new, low(new) if known else blank)
    error = {n: float(np.sqrt(((f(pair) - high(new)) ** 2).mean())) for n, f in METHODS.items()}
    for name in ("delta", "co-kriging"):
        assert error[name] < 0.8 * error["single fidelity"]
    if known:
        assert error["co-kriging"] < 0.2
    assert np.isfinite(error["fidelity as descriptor"])


def foundry(n_hosts=4, hse_share=0.5):
    from defectra.studies.levels.published import HSE, PBE

    generator = np.random.default_rng(2)
    rows = []
    pairs = [("Cd", "Te"), ("Zn", "Se"), ("Ga", "As"), ("In", "P")][:n_hosts]
    for a, b in pairs:
        for m in ("Cu", "Ag", "Al", "P", "Cl", "Fe"):
            for q in (2, 1, 0):
                pbe = 0.4 * (2 - q) + 0.1 * generator.normal()
                has = generator.random() < hse_share
                rows.append(
                    {
                        "host_material": a + b,
                        "host_element_a": a,
                        "host_element_b": b,
                        "impurity": m,
                        "site": f"M_{a}",
                        "charge_from": float(q),
                        "host bandgap": 1.5,
                        "host lattice constant": 6.0,
                        "host_epsilon": 10.0,
                        PBE: pbe,
                        HSE: 1.3 * pbe + 0.4 if has else np.nan,
                    }
                )
    return rows


def test_published_study_runs_when_its_table_is_there():
    settings = Multifidelity(repeats=2, fractions=[0.6, 1.0])
    found = learning_curves.curves(foundry(), settings, 1)
    assert {r["method"] for r in found} == set(METHODS)
    full = {r["method"]: r for r in found if r["fraction"] == 1.0}
    assert all(np.isfinite(r["rmse_eV"]) and r["n_test"] > 20 for r in full.values())
    assert len([r for r in found if r["fraction"] == 0.6]) == 2 * len(METHODS)


def test_three_rows_give_a_row_with_a_reason():
    (only,) = learning_curves.curves(foundry(1, 0.2), Multifidelity(), 1)
    assert "too few" in only["reason"]
    assert np.isnan(only["rmse_eV"])
