"""Somebody else's servers, one module or small package each; workers alone call them."""
