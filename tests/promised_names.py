"""The names that clients are promised, as far as the work behind them is finished.

A later piece of work adds its part of the contract here; nothing is ever taken away.
"""

PROMISED = """
type Query {
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]
  viewer: Viewer
  serverInfo: ServerInfo!
  books(
    search: String, filter: BookFilter, orderBy: [BookOrder!], first: Int, after: String, last: Int, before: String
  ): BookConnection
  book(by: BookBy!): Book
  people(first: Int, after: String, last: Int, before: String): PersonConnection
  series(first: Int, after: String, last: Int, before: String): SeriesConnection
  libraryRoots: [LibraryRoot!]
  libraryStats: LibraryStats
  semanticSearch(
    query: String!, kinds: [SearchKind!], filter: SearchFilter, mode: SearchMode = HYBRID, first: Int! = 10,
    interpret: Interpretation! = AUTO, ignoreFilters: [InterpretedFilterKind!]
  ): SemanticSearchResult
  documents(first: Int, after: String, last: Int, before: String): DocumentConnection
  wants(first: Int, after: String, last: Int, before: String): WantConnection
  releaseSearch(id: ID!): ReleaseSearch
  downloads(first: Int, after: String, last: Int, before: String): DownloadConnection
  integrations: [Integration!]
  jobs(first: Int, after: String, last: Int, before: String): JobConnection
}

type Mutation {
  signIn(input: SignInInput!): SignInResult
  signOut: SignOutPayload
  createApiToken(input: CreateApiTokenInput!): CreateApiTokenResult
  revokeApiToken(input: RevokeApiTokenInput!): RevokeApiTokenResult
  addLibraryRoot(input: AddLibraryRootInput!): AddLibraryRootResult
  scanLibrary(input: ScanLibraryInput!): ScanLibraryResult
  updateBook(input: UpdateBookInput!): UpdateBookResult
  ingestDocuments(input: IngestDocumentsInput!): IngestDocumentsResult
  reindex(input: ReindexInput!): ReindexResult
  lockFields(input: LockFieldsInput!): LockFieldsResult
  searchReleases(input: SearchReleasesInput!): SearchReleasesResult
  requestDownload(input: RequestDownloadInput!): RequestDownloadResult
  cancelDownload(input: CancelDownloadInput!): CancelDownloadResult
  retryDownload(input: RetryDownloadInput!): RetryDownloadResult
  pauseDownload(input: PauseDownloadInput!): PauseDownloadResult
  resumeDownload(input: ResumeDownloadInput!): ResumeDownloadResult
  wantBook(input: WantBookInput!): WantBookResult
  unwantBook(input: UnwantBookInput!): UnwantBookResult
  cancelJob(input: CancelJobInput!): CancelJobResult
  retryJob(input: RetryJobInput!): RetryJobResult
}

type Subscription {
  jobUpdated(id: ID!, after: String): JobEvent!
  libraryChanged(after: String): LibraryEvent!
  downloadsUpdated(ids: [ID!], states: [DownloadState!], after: String): DownloadsEvent!
  releaseSearchUpdated(id: ID!, after: String): ReleaseSearchEvent!
  askKnowledgeBase(input: AskInput!): AnswerEvent!
}

interface Node { id: ID! }

type Book implements Node {
  id: ID!
  title: String
  subtitle: String
  authors: [Person!]
  series: [SeriesEntry!]
  editions: [Edition!]
  tags: [Tag!]
  language: String
  publishedYear: Int
  description: String
  cover: Cover
  similar(first: Int! = 10, exclude: [SimilarExclusion!]): [SimilarBook!]
  metadata: [MetadataField!]
  owned: Boolean!
}

type SemanticSearchPayload {
  edges: [SearchEdge!]!
  info: SearchInfo!
  interpretedFilters: [InterpretedFilter!]!
  searchedText: String!
  likeBook: Book
}

type InterpretedFilter { kind: InterpretedFilterKind!, phrase: String!, applied: Boolean!, reason: String }

type SearchEdge { node: SearchHit!, rank: Int!, score: Float!, matchedBy: [SearchLeg!]!, snippet: Snippet }

type SearchInfo {
  model: String
  modelRevision: String
  dimension: Int
  generation: Int
  indexedPassages: Int
  pendingPassages: Int
  builtAt: DateTime
  stale: Boolean
}

type Job implements Node {
  id: ID!
  kind: JobKind
  state: JobState
  progress: JobProgress
  message: String
  attempts: Int
  error: JobError
  itemErrors(first: Int, after: String): JobItemErrorConnection
  result: JobResult
  createdAt: DateTime
  startedAt: DateTime
  finishedAt: DateTime
}

type Download implements Node {
  id: ID!
  state: DownloadState
  blockedReason: BlockedReason
  progress: DownloadProgress
  release: Release
  book: Book
  edition: Edition
  history(first: Int, after: String): DownloadChangeConnection
}

type BlockedReason { code: String, message: String, hint: String, retryAt: DateTime }
type DownloadProgress { doneBytes: BigInt, totalBytes: BigInt, ratio: Float, bytesPerSecond: BigInt, etaSeconds: Float }
type DownloadChange implements Node { id: ID! }
type DownloadsEvent {
  snapshot: [Download!], changes: [Download!], removed: [ID!], sequence: String!, resyncRequired: Boolean!
}
type AnswerEvent {
  stage: AnswerStage!, done: Boolean!, sources: [AnswerSource!], answer: ExtractiveAnswer
  textDelta: String, text: String, written: Answer, error: AnswerError
}
type AnswerSource { number: Int!, score: Float!, context: String!, text: String!, passage: Passage, node: SearchHit }
type ExtractiveAnswer { found: Boolean!, statements: [AnswerStatement!]! }
type AnswerStatement { text: String!, citations: [AnswerCitation!]! }
type AnswerCitation { number: Int!, source: AnswerSource! }
type AnswerError { code: String!, message: String! }
type Answer implements Node { id: ID!, question: String!, text: String, citations: [AnswerCitation!]! }
type ReleaseSearchEvent { sequence: String!, resyncRequired: Boolean! }
type Release implements Node { id: ID! }
type ReleaseSearch implements Node { id: ID! }
type Want implements Node { id: ID! }
type Document implements Node { id: ID!, title: String!, path: String!, url: URL, language: String }
type DocumentSection implements Node { id: ID! }
type Passage implements Node { id: ID! }
type Integration implements Node { id: ID! }

type JobProgress { done: Int, total: Int }
type JobError { code: String, message: String }
type JobEvent { sequence: String!, resyncRequired: Boolean! }
type LibraryEvent { sequence: String!, resyncRequired: Boolean! }

interface Error { code: ErrorCode!, message: String! }

union SemanticSearchResult = SemanticSearchPayload | SearchUnavailable
union SearchHit = Book | Document
union JobResult = ScanResult | ReleaseSearchResult | DownloadResult | ImportResult | IntegrationCheckResult
union SignInResult = SignInPayload
union CreateApiTokenResult = CreateApiTokenPayload
union RevokeApiTokenResult = RevokeApiTokenPayload
union AddLibraryRootResult = AddLibraryRootPayload
union ScanLibraryResult = ScanLibraryPayload
union IngestDocumentsResult = IngestDocumentsPayload
union ReindexResult = ReindexPayload
union UpdateBookResult = UpdateBookPayload
union LockFieldsResult = LockFieldsPayload
union SearchReleasesResult = SearchReleasesPayload
union RequestDownloadResult = RequestDownloadPayload
union CancelDownloadResult = CancelDownloadPayload
union RetryDownloadResult = RetryDownloadPayload
union PauseDownloadResult = PauseDownloadPayload
union ResumeDownloadResult = ResumeDownloadPayload
union WantBookResult = WantBookPayload
union UnwantBookResult = UnwantBookPayload
union CancelJobResult = CancelJobPayload
union RetryJobResult = RetryJobPayload

type Person implements Node { id: ID! }
type Edition implements Node { id: ID! }
type Series implements Node { id: ID! }
type SeriesEntry implements Node { id: ID!, position: String, sortKey: Float, role: SeriesRole }
type Tag implements Node { id: ID! }
type AudioFile implements Node { id: ID! }
type LibraryRoot implements Node { id: ID! }

type PersonConnection { nodes: [Person!]! }
type SeriesConnection { nodes: [Series!]! }
type BookConnection { edges: [BookEdge!]!, nodes: [Book!]!, pageInfo: PageInfo!, totalCount: Int! }
type JobConnection { nodes: [Job!]! }
type WantConnection { nodes: [Want!]! }
type DocumentConnection { nodes: [Document!]! }
type DownloadConnection { nodes: [Download!]! }
type DownloadChangeConnection { nodes: [DownloadChange!]! }
type JobItemErrorConnection { nodes: [JobItemError!]! }
type BookEdge { node: Book!, cursor: String! }
type PageInfo { hasNextPage: Boolean!, hasPreviousPage: Boolean!, startCursor: String, endCursor: String }

type Viewer { name: String }
type ServerInfo { version: String }
type LibraryStats { books: Int }
type Cover { url: URL }
type Chapter { title: String }
type Snippet { text: String }
type SimilarBook { book: Book! }
type MetadataField { source: MetadataSource, locked: Boolean }
type JobItemError { message: String }
type SearchUnavailable { message: String }
type ReleaseSearchResult { releaseSearch: ReleaseSearch }
type DownloadResult { download: Download }
type ImportResult { download: Download }
type IntegrationCheckResult { integration: Integration }
type ScanResult { libraryRoot: LibraryRoot }
type SignInPayload { viewer: Viewer }
type SignOutPayload { signedOut: Boolean }
type CreateApiTokenPayload { secret: String }
type RevokeApiTokenPayload { apiToken: ApiToken }
type ApiToken implements Node { id: ID!, lastUsedAt: DateTime, expiresAt: DateTime }
type AddLibraryRootPayload { libraryRoot: LibraryRoot, job: Job }
type ScanLibraryPayload { job: Job }
type IngestDocumentsPayload { job: Job }
type ReindexPayload { job: Job }
type UpdateBookPayload { book: Book }
type LockFieldsPayload { changedFields: [String!]! }
type SearchReleasesPayload { job: Job, releaseSearch: ReleaseSearch }
type RequestDownloadPayload { download: Download, job: Job }
type CancelDownloadPayload { download: Download }
type RetryDownloadPayload { download: Download }
type PauseDownloadPayload { download: Download }
type ResumeDownloadPayload { download: Download }
type WantBookPayload { wants: [Want!], job: Job }
type UnwantBookPayload { want: Want }
type CancelJobPayload { job: Job }
type RetryJobPayload { job: Job }

input SignInInput { token: String! }
input CreateApiTokenInput { name: String! }
input RevokeApiTokenInput { id: ID! }
input AddLibraryRootInput { path: String!, idempotencyKey: String }
input ScanLibraryInput { libraryRoot: ID!, idempotencyKey: String }
input IngestDocumentsInput { idempotencyKey: String }
input ReindexInput { idempotencyKey: String }
input UpdateBookInput { id: ID! }
input LockFieldsInput { id: ID! }
input SearchReleasesInput { idempotencyKey: String }
input RequestDownloadInput { release: ID!, idempotencyKey: String }
input CancelDownloadInput { id: ID! }
input RetryDownloadInput { id: ID! }
input PauseDownloadInput { id: ID! }
input ResumeDownloadInput { id: ID! }
input WantBookInput { idempotencyKey: String }
input UnwantBookInput { id: ID! }
input CancelJobInput { id: ID! }
input RetryJobInput { id: ID! }
input BookBy @oneOf { id: ID, asin: String, isbn: String }
input BookOrder { field: BookOrderField! }
input DocumentFilter { ids: [ID!] }
input BookFilter { and: [BookFilter!], or: [BookFilter!], not: BookFilter }
input SearchFilter { book: BookFilter, document: DocumentFilter }
input AskInput {
  question: String!, kinds: [SearchKind!], filter: SearchFilter, first: Int! = 8, written: Boolean! = true
}

enum SearchMode { HYBRID }
enum SearchKind { BOOK, DOCUMENT }
enum AnswerStage { SOURCES, EXTRACTED, NOT_FOUND, WRITING, WRITTEN, NOT_WRITTEN, UNAVAILABLE }
enum SearchLeg { KEYWORD, VECTOR, NAME }
enum Interpretation { AUTO, STRICT, OFF }
enum InterpretedFilterKind { DURATION, LANGUAGE, LIKE }
enum SimilarExclusion { SAME_SERIES, SAME_AUTHOR }
enum SeriesRole { MAIN, NOVELLA, OMNIBUS, SIDE }
enum JobKind { SCAN_LIBRARY, SEARCH_RELEASES, GRAB_DOWNLOAD, IMPORT_DOWNLOAD, CHECK_INTEGRATION }
enum JobState { QUEUED, RUNNING, SUCCEEDED, PARTIAL, FAILED, CANCELLED }
enum DownloadState {
  QUEUED, GRABBING, DOWNLOADING, VERIFYING, IMPORTING, IMPORTED, ENRICHING, DONE, BLOCKED, FAILED, CANCELLED, REPLACED
}
enum MetadataSource { TAGS, FOLDER, SIDECAR, USER }
enum BookOrderField { TITLE }
enum ErrorCode {
  GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED, BAD_USER_INPUT, OPERATION_RESOLUTION_FAILURE, BAD_REQUEST,
  PERSISTED_QUERY_NOT_FOUND, INTERNAL_SERVER_ERROR, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT, THROTTLED,
  QUERY_TOO_COMPLEX, PROVIDER_UNAVAILABLE
}

scalar DateTime
scalar BigInt
scalar URL
scalar ISBN
scalar ASIN
"""
