"""Tests of folders and files becoming editions."""
