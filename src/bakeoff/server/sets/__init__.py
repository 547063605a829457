"""Sets of labelled pictures that a server keeps: the API, the folders on disk, uploads."""
