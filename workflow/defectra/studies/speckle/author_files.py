"""Names of the authors' files below the mirror: all that rules need of them."""

from __future__ import annotations

FOLDER = "imaging/xray_speckle"
MOMENTS = f"{FOLDER}/Y_avg_firstMoment_raw.csv"  # mean of ten patterns of each number
EACH = f"{FOLDER}/Y_fristMoment_raw.csv"  # the ten; the name is the authors'
COUNTS = (2, 5, 10, 15, 20)
PATTERNS = [f"{FOLDER}/Beads_{n}.0.mat" for n in COUNTS]
