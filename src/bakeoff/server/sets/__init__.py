"""Sets of labelled pictures that a server keeps: routes, storage and uploads."""
