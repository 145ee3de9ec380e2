"""A made scan of the Ni K edge: energies (eV), absorption, intensity before the sample."""

import numpy as np

ENERGY = np.concatenate([np.arange(8230.0, 8320, 5), np.arange(8320, 8500, 1)])
MU = 0.3 + 0.8 * (0.5 + np.arctan((ENERGY - 8345) / 1.5) / np.pi)
I0 = 1e5 + 300 * np.cos(ENERGY)


def write(path, columns, header="", fmt="%.6f", **kwargs):
    np.savetxt(path, np.column_stack(columns), fmt=fmt, header=header, comments="", **kwargs)
    return path
