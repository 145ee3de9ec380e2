"""Hosts and impurities of a small world of charged defects, a kernel, a study that is quick."""

from defectra.studies.levels.published import VACANCY
from defectra.studies.levels.settings import Kernel, Learning, LevelsStudy

HOSTS = ["CdTe", "ZnSe", "GaAs", "InP", "Si"]
IMPURITIES = ["Cu", "As", "Cl", VACANCY]
KERNEL = Kernel()
QUICK = LevelsStudy(candidates=2, learning=Learning(parts=3, most_per_host=5, steps=3))
