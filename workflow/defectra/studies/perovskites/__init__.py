"""Study `perovskites`: halide perovskites ABX3 with mixed cations.

Terms: PBE, functional of Perdew-Burke-Ernzerhof; HSE (HSE06), hybrid functional of
Heyd-Scuseria-Ernzerhof; MA and FA, methylammonium and formamidinium; SLME, spectroscopic limited
maximum efficiency; SOC, spin-orbit coupling.
"""
