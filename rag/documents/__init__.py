"""Reading documents of strangers: Markdown, HTML, plain text, PDF and EPUB become one kind of normalised text."""
