"""Which pictures without a label to label next."""
