"""Number of disks from one coherent X-ray speckle pattern, after arXiv:2211.08194."""
