"""The process that serves the graph."""
