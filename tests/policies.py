"""Who may do what, written down: for each root field and each type of node, what six kinds of viewer get.

The columns are: anonymous, anonymous in the demo, VIEWER, MEMBER, another MEMBER, ADMIN. Jobs, tokens, wants,
searches and downloads of the documents belong to the first MEMBER. Words in `<…>` are replaced by ids, secrets and
paths of the test's library.
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
MEMBERS_MADE = (unauthenticated, unauthenticated, forbidden, ok, forbidden, ok)
MEMBERS_OWN_OR_NULL = (unauthenticated, unauthenticated, forbidden, ok, null, ok)
ADMINS = (unauthenticated, unauthenticated, forbidden, forbidden, forbidden, ok)


@dataclass(frozen=True, slots=True)
class Policy:
    """One row: an operation with a single root field, and what each kind of viewer gets."""

    document: str
    answers: tuple[str, str, str, str, str, str]


QUERIES = {
    "node": Policy('{ node(id: "<Book>") { id } }', (null, ok, ok, ok, ok, ok)),
    "nodes": Policy('{ nodes(ids: ["<Book>"]) { id } }', (null, ok, ok, ok, ok, ok)),
    "viewer": Policy("{ viewer { name } }", (null, null, ok, ok, ok, ok)),
    "serverInfo": Policy("{ serverInfo { version } }", EVERYBODY),
    "libraryRoots": Policy("{ libraryRoots { name } }", READERS),
    "libraryStats": Policy("{ libraryStats { books } }", READERS),
    "books": Policy("{ books { totalCount } }", READERS),
    "book": Policy('{ book(by: {id: "<Book>"}) { title } }', READERS),
    "people": Policy("{ people { totalCount } }", READERS),
    "series": Policy("{ series { totalCount } }", READERS),
    "semanticSearch": Policy('{ semanticSearch(query: "an island") { __typename } }', READERS),
    "documents": Policy("{ documents { totalCount } }", READERS),
    "document": Policy('{ document(by: {id: "<Document>"}) { title } }', READERS),
    "documentSources": Policy("{ documentSources { totalCount } }", READERS),
    "wants": Policy("{ wants { totalCount } }", MEMBERS),
    "releaseSearch": Policy('{ releaseSearch(id: "<ReleaseSearch>") { text } }', MEMBERS_OWN_OR_NULL),
    "qualityProfiles": Policy("{ qualityProfiles { nodes { name } } }", MEMBERS),
    "myQualityRules": Policy("{ myQualityRules { grabThreshold } }", MEMBERS),
    "downloads": Policy("{ downloads { totalCount } }", MEMBERS),
    "previewImport": Policy('{ previewImport(download: "<Download>") { warnings mode } }', MEMBERS_OWN_OR_NULL),
    "integrations": Policy("{ integrations { name } }", MEMBERS),
    "trackerAccount": Policy("{ trackerAccount { points } }", MEMBERS),
    "purchases": Policy("{ purchases { nodes { id } } }", ADMINS),
    "notificationTargets": Policy("{ notificationTargets { name } }", ADMINS),
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
    "ingestDocuments": Policy(
        'mutation { ingestDocuments(input: {source: {folder: {path: "<folder>"}}}) { __typename } }', ADMINS
    ),
    "removeDocument": Policy('mutation { removeDocument(input: {id: "<Document>"}) { __typename } }', ADMINS),
    "removeDocumentSource": Policy(
        'mutation { removeDocumentSource(input: {id: "<DocumentSource>"}) { __typename } }', ADMINS
    ),
    "reindex": Policy('mutation { reindex(input: {only: {document: "<Document>"}}) { __typename } }', ADMINS),
    "updateBook": Policy('mutation { updateBook(input: {id: "<Book>", title: "New"}) { __typename } }', MEMBERS),
    "updateEdition": Policy(
        'mutation { updateEdition(input: {id: "<Edition>", publisher: "New"}) { __typename } }', MEMBERS
    ),
    "lockFields": Policy('mutation { lockFields(input: {id: "<Book>", fields: ["title"]}) { __typename } }', MEMBERS),
    "wantBook": Policy('mutation { wantBook(input: {book: {id: "<Book>"}}) { __typename } }', MEMBERS),
    "unwantBook": Policy('mutation { unwantBook(input: {id: "<Want>"}) { __typename } }', MEMBERS_OWN),
    "updateWant": Policy(
        'mutation { updateWant(input: {id: "<Want>", grabAutomatically: true}) { __typename } }', MEMBERS_OWN
    ),
    "searchReleases": Policy('mutation { searchReleases(input: {by: {want: "<Want>"}}) { __typename } }', MEMBERS_OWN),
    "saveQualityProfile": Policy('mutation { saveQualityProfile(input: {name: "New"}) { __typename } }', MEMBERS),
    "removeQualityProfile": Policy(
        'mutation { removeQualityProfile(input: {id: "<QualityProfile>"}) { __typename } }', MEMBERS_MADE
    ),
    "setMyQualityProfile": Policy(
        'mutation { setMyQualityProfile(input: {qualityProfile: "<QualityProfile>"}) { __typename } }', MEMBERS
    ),
    "requestDownload": Policy(
        'mutation { requestDownload(input: {release: "<Release>"}) { __typename } }', MEMBERS_OWN
    ),
    "cancelDownload": Policy('mutation { cancelDownload(input: {id: "<Download>"}) { __typename } }', MEMBERS_OWN),
    "retryDownload": Policy('mutation { retryDownload(input: {id: "<FailedDownload>"}) { __typename } }', MEMBERS_OWN),
    "pauseDownload": Policy('mutation { pauseDownload(input: {id: "<Download>"}) { __typename } }', MEMBERS_OWN),
    "resumeDownload": Policy('mutation { resumeDownload(input: {id: "<Download>"}) { __typename } }', MEMBERS_OWN),
    "announceDownload": Policy('mutation { announceDownload(input: {id: "<Download>"}) { __typename } }', MEMBERS_OWN),
    "removeDownload": Policy('mutation { removeDownload(input: {id: "<DoneDownload>"}) { __typename } }', MEMBERS_OWN),
    "undoImport": Policy('mutation { undoImport(input: {id: "<Import>"}) { __typename } }', MEMBERS_OWN),
    "configureIntegration": Policy(
        'mutation { configureIntegration(input: {id: "<Integration>", name: "New", service: {qbittorrent: {}}})'
        " { __typename } }",
        ADMINS,
    ),
    "checkIntegration": Policy('mutation { checkIntegration(input: {id: "<Integration>"}) { __typename } }', ADMINS),
    "removeIntegration": Policy(
        'mutation { removeIntegration(input: {id: "<UnusedIntegration>"}) { __typename } }', ADMINS
    ),
    "setIntegrationEnabled": Policy(
        'mutation { setIntegrationEnabled(input: {id: "<Integration>", enabled: false}) { __typename } }', ADMINS
    ),
    "refreshTrackerAccount": Policy("mutation { refreshTrackerAccount(input: {}) { __typename } }", MEMBERS),
    "buyAtTracker": Policy(
        "mutation { buyAtTracker(input: {kind: WEDGE, maximumPoints: 50000, maximumWedges: 0}) { __typename } }", ADMINS
    ),
    "saveNotificationTarget": Policy(
        'mutation { saveNotificationTarget(input: {id: "<NotificationTarget>", name: "New"}) { __typename } }', ADMINS
    ),
    "removeNotificationTarget": Policy(
        'mutation { removeNotificationTarget(input: {id: "<NotificationTarget>"}) { __typename } }', ADMINS
    ),
    "testNotificationTarget": Policy(
        'mutation { testNotificationTarget(input: {id: "<NotificationTarget>"}) { __typename } }', ADMINS
    ),
    "cancelJob": Policy('mutation { cancelJob(input: {id: "<Job>"}) { __typename } }', MEMBERS_OWN),
    "retryJob": Policy('mutation { retryJob(input: {id: "<FailedJob>"}) { __typename } }', MEMBERS_OWN),
}

SUBSCRIPTIONS = {
    "jobUpdated": Policy('subscription { jobUpdated(id: "<Job>") { sequence } }', MEMBERS_OWN),
    "libraryChanged": Policy("subscription { libraryChanged { sequence } }", READERS),
    "releaseSearchUpdated": Policy(
        'subscription { releaseSearchUpdated(id: "<ReleaseSearch>") { sequence } }', MEMBERS_OWN
    ),
    "downloadsUpdated": Policy("subscription { downloadsUpdated { sequence } }", MEMBERS),
    "askKnowledgeBase": Policy('subscription { askKnowledgeBase(input: {question: "an island"}) { stage } }', READERS),
}

_READABLE = (null, ok, ok, ok, ok, ok)
_OWN = (null, null, null, ok, null, ok)
_OF_MEMBERS = (null, null, null, ok, ok, ok)
_LISTED_FOR_ADMINS = (unauthenticated, unauthenticated, forbidden, null, null, ok)
_OF_ADMINS = (null, null, null, null, null, ok)

NODES = {
    "Answer": _OWN,
    "ApiToken": _OWN,
    "AudioFile": _READABLE,
    "Book": _READABLE,
    "Chapter": _READABLE,
    "Document": _READABLE,
    "DocumentSection": _READABLE,
    "DocumentSource": _READABLE,
    "Download": _OWN,
    "DownloadChange": _OWN,
    "DownloadFile": _OWN,
    "Edition": _READABLE,
    "Import": _OWN,
    "ImportedFile": _OWN,
    "Integration": _OF_MEMBERS,
    "Job": _OWN,
    "JobItemError": _OWN,
    "LibraryRoot": _READABLE,
    "NotificationTarget": _OF_ADMINS,
    "Passage": _READABLE,
    "Person": _READABLE,
    "Purchase": _OF_ADMINS,
    "QualityProfile": _OF_MEMBERS,
    "Release": _OWN,
    "ReleaseSearch": _OWN,
    "Series": _READABLE,
    "SeriesEntry": _READABLE,
    "Tag": _READABLE,
    "Want": _OWN,
}

# What is not for everybody who may see the thing itself.
PARTS = {
    "a token with the rights of an administrator": Policy(
        'mutation { createApiToken(input: {name: "t", role: ADMIN}) { __typename } }', ADMINS
    ),
    "where a library root is": Policy('{ node(id: "<LibraryRoot>") { ... on LibraryRoot { path } } }', _OF_ADMINS),
    "where documents are read from": Policy(
        '{ node(id: "<DocumentSource>") { ... on DocumentSource { path } } }', _OF_ADMINS
    ),
    "jobs that are listed": Policy("{ jobs { nodes { id } } }", MEMBERS_OWN_OR_NULL),
    "wants that are listed": Policy("{ wants { nodes { id } } }", MEMBERS_OWN_OR_NULL),
    "downloads that are listed": Policy("{ downloads { nodes { id } } }", MEMBERS_OWN_OR_NULL),
    "downloads that are followed": Policy("subscription { downloadsUpdated { snapshot { id } } }", MEMBERS_OWN_OR_NULL),
    "downloads that are followed by id": Policy(
        'subscription { downloadsUpdated(ids: ["<Download>"]) { snapshot { id } } }', MEMBERS_OWN_OR_NULL
    ),
    "what a job about a download has moved": Policy(
        '{ node(id: "<GrabJob>") { ... on Job { result { ... on DownloadResult { download { id } } } } } }', _OWN
    ),
    "the search a want has last led to": Policy('{ node(id: "<Want>") { ... on Want { lastSearch { id } } } }', _OWN),
    "a search for somebody's own words": Policy(
        'mutation { searchReleases(input: {by: {text: "crusoe"}}) { __typename } }', MEMBERS
    ),
    "a quality profile that somebody made": Policy(
        'mutation { saveQualityProfile(input: {id: "<QualityProfile>", name: "New"}) { __typename } }', MEMBERS_MADE
    ),
    "a download that costs a wedge": Policy(
        'mutation { requestDownload(input: {release: "<Release>", useWedge: true}) { __typename } }', ADMINS
    ),
    "a download that leaves the client before its seeding goal": Policy(
        'mutation { removeDownload(input: {id: "<DoneDownload>", force: true}) { __typename } }',
        (unauthenticated, unauthenticated, forbidden, forbidden, missing, ok),
    ),
    "where an integration is": Policy('{ node(id: "<Integration>") { ... on Integration { url } } }', _OF_ADMINS),
    "where the integrations of the list are": Policy("{ integrations { url } }", _LISTED_FOR_ADMINS),
    "what is set for an integration": Policy(
        '{ node(id: "<Integration>") { ... on Integration { options { __typename } } } }', _OF_ADMINS
    ),
    "what is set for the integrations of the list": Policy(
        "{ integrations { options { __typename } } }", _LISTED_FOR_ADMINS
    ),
    "the name of the account at the tracker": Policy("{ trackerAccount { username } }", _LISTED_FOR_ADMINS),
}
