"""A run on disk, in plain files: for any room that reads what a run left."""
