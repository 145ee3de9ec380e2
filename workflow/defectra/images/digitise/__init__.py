"""Numbers out of pictures of line plots: axes, ticks, lines."""
