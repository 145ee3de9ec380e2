"""How `make gpaw` builds GPAW (GPAW_CONFIG): FFTW, OpenBLAS; MPI=1 for several processes."""

import os

mpi = os.environ.get("MPI") == "1"
compiler = "mpicxx" if mpi else "g++"
fftw = True
libraries = ["xc", "openblas", "fftw3"]
