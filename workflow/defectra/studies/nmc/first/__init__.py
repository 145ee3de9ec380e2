"""First campaign, of cells without pairs: its own models, and the external test of the blocks."""
