"""Charged cells: charge-transition levels, finite-size corrections, alignment, stability.

Terms: VBM and CBM, valence-band maximum and conduction-band minimum; PBE, functional of
Perdew-Burke-Ernzerhof; HSE (HSE06), hybrid functional of Heyd-Scuseria-Ernzerhof.
"""
