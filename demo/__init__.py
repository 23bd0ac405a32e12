"""The demo collection: a table of public-domain books, and what writes them as real audiobook files."""
