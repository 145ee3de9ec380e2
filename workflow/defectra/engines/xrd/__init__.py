"""Powder X-ray diffraction (XRD) patterns of alloys, by kinematic theory (pymatgen)."""
