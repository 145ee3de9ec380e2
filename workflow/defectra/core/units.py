"""Physical constants and conversions (CODATA 2022), each number defined once."""

HARTREE_EV = 27.211386245981
BOHR_ANGSTROM = 0.529177210544
HBAR2_OVER_2M_EV_A2 = 3.80998211  # ħ²/2mₑ in eV Å²: E = 3.81 k²
EV_ANGSTROM = 12398.419843320026  # h c in eV Å (exact): E = h c / wavelength
KELVIN_EV = 8.617333262e-5

FWHM_PER_SIGMA = 2.3548200450309493  # 2 √(2 ln 2)
