"""FEFF: settings, input, run, reading.

Terms: SCF, self-consistent field; FMS, full multiple scattering; RPA, random-phase approximation
(screening of the core hole).
"""
