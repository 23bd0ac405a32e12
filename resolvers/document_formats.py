"""What documents are written in, as clients see it: described before any type names it."""

from library.models.documents import DocumentFormat
from resolvers.descriptions import describe_enum

__all__ = ["DocumentFormat"]

describe_enum(
    DocumentFormat,
    "What a document was written in.",
    {
        DocumentFormat.MARKDOWN: "Markdown, also of MkDocs, Docusaurus and VitePress.",
        DocumentFormat.HTML: "A web page.",
        DocumentFormat.TEXT: "Plain text or reStructuredText.",
        DocumentFormat.PDF: "PDF with text in it.",
        DocumentFormat.EPUB: "An EPUB book.",
    },
    name="DocumentFormat",
)
