#!/bin/sh
# What the build of GPAW needs: a compiler, and headers and libraries to link against. Says in one
# sentence what is missing and how to get it.
missing=""
command -v "${CXX:-g++}" >/dev/null 2>&1 || missing="g++"
links() { # header, library
    printf '#include <%s>\nint main() { return 0; }\n' "$1" |
        "${CXX:-g++}" -x c++ - -l"$2" -o /dev/null >/dev/null 2>&1
}
if [ -z "$missing" ]; then
    links xc.h xc || missing="$missing libxc-dev"
    links cstdlib openblas || missing="$missing libopenblas-dev"
    links fftw3.h fftw3 || missing="$missing libfftw3-dev"
else
    missing="g++ libxc-dev libopenblas-dev libfftw3-dev (the libraries could not be tested)"
fi
[ "$MPI" = 1 ] && { command -v mpicxx >/dev/null 2>&1 || missing="$missing libopenmpi-dev"; }
[ -z "$missing" ] && exit 0
echo "GPAW cannot be built here:$(printf ' %s' $missing) not found;" \
    "on Debian or Ubuntu: apt-get install g++ libxc-dev libopenblas-dev libfftw3-dev" \
    "(and libopenmpi-dev for MPI=1)" >&2
exit 1
