"""Names of the models in the tables; here, since scores are read without torch."""

from __future__ import annotations

KERNEL, FAMILY = "free kernel", "two-parameter kernel"
STATES = "least squares on two known states"
LAST_STAYS, FIRST_STAYS = "last pattern stays", "first pattern stays"
LINEAR = "dynamic mode decomposition"
OTHER = "patterns of another trajectory"
PULL = "network for the pull"
CUT = "network with a learned cut-off inside"
FREE = "network for the speed, no form"
ONE = "one-parameter law"
SHOOTING = "networks by multiple shooting"
AT_ONCE, GROWING = "network, whole horizon at once", "network, growing horizon"
DIRECT = "parameters of the law"
RATES = "rates of the networks on a grid"
REGISTERED, TWIN, PLANE = "search for the place", "twin image", "plane wave"
