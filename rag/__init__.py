"""Meaning: texts become passages, passages become vectors, and a query finds both by words and by meaning."""
