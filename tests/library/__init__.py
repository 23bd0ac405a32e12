"""Tests of what the owner has and is getting."""
