"""Tests of library/questions."""
