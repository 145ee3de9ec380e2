"""Coherent X-ray speckle of disks in a box, as in arXiv:2211.08194."""
