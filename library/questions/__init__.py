"""Understanding a question that is asked in words: what it filters by, what it wants to be like, and whom it names."""
