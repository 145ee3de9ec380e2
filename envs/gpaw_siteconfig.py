"""How `make engines` builds GPAW: one process, one thread, FFTW and OpenBLAS (GPAW_CONFIG)."""

compiler = "g++"
mpi = False
fftw = True
libraries = ["xc", "openblas", "fftw3"]
