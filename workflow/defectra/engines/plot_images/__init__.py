"""Pictures of line plots, drawn from known curves: what a digitiser is tested on."""
