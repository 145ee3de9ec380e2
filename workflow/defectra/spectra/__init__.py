"""Curves and measured files: align, broaden, normalise, average, read.

Terms: RMS, root mean square; FWHM, full width at half maximum; EELS, electron energy-loss
spectroscopy; XAS, X-ray absorption spectroscopy.
"""
