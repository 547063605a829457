"""An exported approach: one graph from raw pixels to answers, and its description."""
