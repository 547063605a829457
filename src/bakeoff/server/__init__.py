"""The HTTP API: trained models, runs and training."""
