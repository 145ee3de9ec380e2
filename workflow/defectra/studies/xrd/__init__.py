"""Powder X-ray diffraction (XRD) patterns of magnetic alloys as points of a plane.

After K. Utimula et al., Adv. Theory Simul. 5, 2200613 (2022), doi 10.1002/adts.202200613.
"""
