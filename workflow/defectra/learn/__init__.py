"""Models: features, splits, scores, intervals, saved models.

Terms: RMS, root mean square; GP, Gaussian process.
"""
