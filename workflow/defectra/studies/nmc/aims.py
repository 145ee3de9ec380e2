"""Aims of study `nmc`, as fixed in ``docs/nmc.md`` before the blocks were looked at."""

from __future__ import annotations

AIM, LEAST = 0.90, 0.85  # AUROC that counts as detection: value, and lower end of the interval
INTENSITY_AIM, LITHIUM_AIM = 0.05, 0.06  # RMSE per metal atom
MCNEMAR = 0.05  # p of the test of McNemar below which a difference is found
