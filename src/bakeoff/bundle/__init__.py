"""A trained approach to carry away: one graph from raw pixels, and all there is to know of it."""
