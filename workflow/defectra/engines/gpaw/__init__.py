"""GPAW: settings, jobs, runs, reading.

Terms: PAW, projector-augmented waves; LDA, local-density approximation; PBE, functional of
Perdew-Burke-Ernzerhof; HSE06, hybrid functional of Heyd-Scuseria-Ernzerhof; RPA, random-phase
approximation (dielectric constant); FWHM, full width at half maximum.
"""
