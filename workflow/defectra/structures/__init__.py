"""Cells and their identity: lattices, orderings, supercells, defects, readers of crystals.

Terms: MA and FA, methylammonium and formamidinium; NMC, lithium nickel manganese cobalt oxide.
"""
