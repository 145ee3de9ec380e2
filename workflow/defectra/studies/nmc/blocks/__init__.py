"""The campaign by blocks: its design, its calculations, its tests and their models."""
