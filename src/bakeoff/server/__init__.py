"""The API: bundles behind HTTP, asked side by side."""
