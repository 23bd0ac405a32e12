"""Somebody else's servers, one module each; none is called yet."""
