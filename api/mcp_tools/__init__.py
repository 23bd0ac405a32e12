"""The tools that agents are offered: one module for each noun, and this list of all."""

from api.mcp_tools.answers import ASK
from api.mcp_tools.books import LOOK_AT_BOOK, SIMILAR_BOOKS
from api.mcp_tools.documents import LOOK_AT_DOCUMENT, LOOK_AT_PASSAGE
from api.mcp_tools.downloads import FOLLOW_DOWNLOAD, LIST_DOWNLOADS, REQUEST_DOWNLOAD
from api.mcp_tools.releases import LIST_RELEASES, SEARCH_RELEASES, WANT_BOOK
from api.mcp_tools.search import SEARCH
from api.mcp_tools.tool import AnyTool

TOOLS: tuple[AnyTool, ...] = (
    SEARCH,
    ASK,
    SIMILAR_BOOKS,
    LOOK_AT_BOOK,
    LOOK_AT_DOCUMENT,
    LOOK_AT_PASSAGE,
    LIST_DOWNLOADS,
    FOLLOW_DOWNLOAD,
    LIST_RELEASES,
    SEARCH_RELEASES,
    WANT_BOOK,
    REQUEST_DOWNLOAD,
)
