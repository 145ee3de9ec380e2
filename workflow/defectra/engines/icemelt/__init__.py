"""Nanoscale ice that melts in a liquid cell, and what an electron microscope sees of it."""
