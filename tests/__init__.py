"""A package, so that it comes before the `tests` that ppi-python installs."""
