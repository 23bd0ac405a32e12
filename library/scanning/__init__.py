"""Folders and files become proposals for books and editions: file access and rules, no database."""
