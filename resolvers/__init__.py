"""The graph: one file per noun, types and their fields together."""
