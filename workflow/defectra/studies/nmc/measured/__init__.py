"""Models of computed spectra asked about measured ones: electrodes at Ni K, energy loss."""
