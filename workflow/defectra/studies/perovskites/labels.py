"""Labels of a compound, as published: what models of study `perovskites` are asked for."""

from __future__ import annotations

# Name, unit, meaning.
LABELS = (
    ("lattice_PBE", "Å", "pseudo-cubic lattice constant, PBE"),
    ("decomposition_PBE", "eV", "energy of ABX3 less that of AX and BX2, for each formula unit"),
    ("lattice_HSE", "Å", "pseudo-cubic lattice constant, HSE06"),
    ("decomposition_HSE", "eV", "as decomposition_PBE, HSE06"),
    ("gap_PBE", "eV", "band gap, PBE, without spin-orbit coupling"),
    ("gap_HSE", "eV", "band gap, HSE06, without spin-orbit coupling: no measured gap"),
    ("refractive_index", "", "from the static dielectric constant, PBE"),
    ("log_fom", "", "log10 of the photovoltaic figure of merit"),
    ("defect_energy_x_rich", "eV", "formation energy of the vacancies at equilibrium, X-rich"),
    ("fermi_level_x_rich", "eV", "equilibrium Fermi level above the valence band, X-rich"),
    ("defect_energy", "eV", "formation energy of the vacancies at equilibrium, moderate"),
    ("fermi_level", "eV", "equilibrium Fermi level above the valence band, moderate"),
    ("defect_energy_b_rich", "eV", "formation energy of the vacancies at equilibrium, B-rich"),
    ("fermi_level_b_rich", "eV", "equilibrium Fermi level above the valence band, B-rich"),
    ("vacancy_A_x_rich", "eV", "formation energy of the neutral A vacancy, X-rich"),
    ("vacancy_X_x_rich", "eV", "formation energy of the neutral X vacancy, X-rich"),
    ("vacancy_A", "eV", "formation energy of the neutral A vacancy, moderate"),
    ("vacancy_X", "eV", "formation energy of the neutral X vacancy, moderate"),
    ("vacancy_A_b_rich", "eV", "formation energy of the neutral A vacancy, B-rich"),
    ("vacancy_X_b_rich", "eV", "formation energy of the neutral X vacancy, B-rich"),
    ("level_A", "eV", "transition level V_A(0/-1) above the valence band"),
    ("level_X", "eV", "transition level V_X(+1/0) above the valence band"),
    ("energy_PBE", "eV", "formation energy of ABX3 on the scale of the design set, PBE"),
    ("energy_HSE", "eV", "as energy_PBE, HSE06"),
)
