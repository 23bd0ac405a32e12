"""Tests of meaning: passages, embedding, index and search."""
