"""FDMNES: input and finished runs. Terms: SCF, self-consistent field."""
