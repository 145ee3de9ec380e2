"""Study `xanes`: K edges (X-ray absorption near-edge structure, XANES) and features of them.

Terms: CDF, cumulative distribution function; PCA, principal component analysis; FWHM, full width
at half maximum; RMS, root mean square.
"""
