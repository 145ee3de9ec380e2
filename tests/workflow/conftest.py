"""Campaigns of the synthetic engine."""

from fixtures import copy, finished

__all__ = ["copy", "finished"]
