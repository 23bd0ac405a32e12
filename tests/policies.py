"""Who may do what, written down: for each root field and each type of node, what six kinds of viewer get.

The columns are: anonymous, anonymous in the demo, VIEWER, MEMBER, another MEMBER, ADMIN. Jobs and tokens of the
documents belong to the first MEMBER. Words in `<…>` are replaced by ids, secrets and paths of the test's library.
"""

from dataclasses import dataclass

ANONYMOUS, DEMO, VIEWER, MEMBER, OTHER_MEMBER, ADMIN = WHO = (
    "anonymous",
    "anonymous in the demo",
    "VIEWER",
    "MEMBER",
    "another MEMBER",
    "ADMIN",
)

ok, null, unauthenticated, forbidden, missing = "ALLOWED", "NULL", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND"

# The six answers by which most rules are known.
EVERYBODY = (ok, ok, ok, ok, ok, ok)
READERS = (unauthenticated, ok, ok, ok, ok, ok)
SIGNED_IN = (unauthenticated, unauthenticated, ok, ok, ok, ok)
MEMBERS = (unauthenticated, unauthenticated, forbidden, ok, ok, ok)
MEMBERS_OWN = (unauthenticated, unauthenticated, forbidden, ok, missing, ok)
ADMINS = (unauthenticated, unauthenticated, forbidden, forbidden, forbidden, ok)


@dataclass(frozen=True, slots=True)
class Policy:
    """One row: an operation with a single root field, and what each kind of viewer gets."""

    document: str
    answers: tuple[str, str, str, str, str, str]


QUERIES = {
    "node": Policy('{ node(id: "<Book>") { id } }', (null, ok, ok, ok, ok, ok)),
    "nodes": Policy('{ nodes(ids: ["<Book>"]) { id } }', EVERYBODY),
    "viewer": Policy("{ viewer { name } }", (null, null, ok, ok, ok, ok)),
    "serverInfo": Policy("{ serverInfo { version } }", EVERYBODY),
    "libraryRoots": Policy("{ libraryRoots { name } }", READERS),
    "libraryStats": Policy("{ libraryStats { books } }", READERS),
    "books": Policy("{ books { totalCount } }", READERS),
    "book": Policy('{ book(by: {id: "<Book>"}) { title } }', READERS),
    "people": Policy("{ people { totalCount } }", READERS),
    "series": Policy("{ series { totalCount } }", READERS),
    "semanticSearch": Policy('{ semanticSearch(query: "an island") { __typename } }', READERS),
    "jobs": Policy("{ jobs { totalCount } }", MEMBERS),
}

MUTATIONS = {
    "signIn": Policy('mutation { signIn(input: {token: "<secret>"}) { __typename } }', EVERYBODY),
    "signOut": Policy("mutation { signOut { signedOut } }", SIGNED_IN),
    "createApiToken": Policy('mutation { createApiToken(input: {name: "t"}) { __typename } }', SIGNED_IN),
    "revokeApiToken": Policy(
        'mutation { revokeApiToken(input: {id: "<ApiToken>"}) { __typename } }',
        (unauthenticated, unauthenticated, missing, ok, missing, ok),
    ),
    "addLibraryRoot": Policy(
        'mutation { addLibraryRoot(input: {path: "<folder>", scan: false}) { __typename } }', ADMINS
    ),
    "scanLibrary": Policy('mutation { scanLibrary(input: {libraryRoot: "<LibraryRoot>"}) { __typename } }', ADMINS),
    "updateBook": Policy('mutation { updateBook(input: {id: "<Book>", title: "New"}) { __typename } }', MEMBERS),
    "updateEdition": Policy(
        'mutation { updateEdition(input: {id: "<Edition>", publisher: "New"}) { __typename } }', MEMBERS
    ),
    "lockFields": Policy('mutation { lockFields(input: {id: "<Book>", fields: ["title"]}) { __typename } }', MEMBERS),
    "cancelJob": Policy('mutation { cancelJob(input: {id: "<Job>"}) { __typename } }', MEMBERS_OWN),
    "retryJob": Policy('mutation { retryJob(input: {id: "<FailedJob>"}) { __typename } }', MEMBERS_OWN),
}

SUBSCRIPTIONS = {
    "jobUpdated": Policy('subscription { jobUpdated(id: "<Job>") { sequence } }', MEMBERS_OWN),
    "libraryChanged": Policy("subscription { libraryChanged { sequence } }", READERS),
}

_READABLE = (null, ok, ok, ok, ok, ok)
_OWN = (null, null, null, ok, null, ok)

NODES = {
    "ApiToken": _OWN,
    "AudioFile": _READABLE,
    "Book": _READABLE,
    "Chapter": _READABLE,
    "Edition": _READABLE,
    "Job": _OWN,
    "JobItemError": _OWN,
    "LibraryRoot": _READABLE,
    "Person": _READABLE,
    "Series": _READABLE,
    "SeriesEntry": _READABLE,
    "Tag": _READABLE,
}

# What is not for everybody who may see the thing itself.
PARTS = {
    "a token with the rights of an administrator": Policy(
        'mutation { createApiToken(input: {name: "t", role: ADMIN}) { __typename } }', ADMINS
    ),
    "where a library root is": Policy(
        '{ node(id: "<LibraryRoot>") { ... on LibraryRoot { path } } }', (null, null, null, null, null, ok)
    ),
}
