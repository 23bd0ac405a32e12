"""The tools that agents are offered: one module for each noun, and this list of all."""

from api.mcp_tools.books import LOOK_AT_BOOK, SEARCH, SIMILAR_BOOKS
from api.mcp_tools.downloads import FOLLOW_DOWNLOAD, LIST_DOWNLOADS, REQUEST_DOWNLOAD
from api.mcp_tools.releases import LIST_RELEASES, SEARCH_RELEASES, WANT_BOOK
from api.mcp_tools.tool import AnyTool

TOOLS: tuple[AnyTool, ...] = (
    SEARCH,
    SIMILAR_BOOKS,
    LOOK_AT_BOOK,
    LIST_DOWNLOADS,
    FOLLOW_DOWNLOAD,
    LIST_RELEASES,
    SEARCH_RELEASES,
    WANT_BOOK,
    REQUEST_DOWNLOAD,
)
