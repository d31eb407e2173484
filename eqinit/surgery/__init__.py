"""Surgery: models changed as values, in one pass."""
