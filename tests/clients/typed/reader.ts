/** What an application would write on the generated types; `tsc --strict` must accept it. */
import type {
  AskByMeaningQuery,
  BookPageQuery,
  FollowDownloadsSubscription,
  FollowJobSubscription,
  FollowReleaseSearchSubscription,
  RequestDownloadMutation,
  ScanLibraryMutation,
} from '../build/typed/operations.ts';

type Page = NonNullable<BookPageQuery['books']>;

export function titles(page: Page): string[] {
  return page.edges.map(({ node }) => node.title);
}

export function next(page: Page): string | null {
  return page.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null;
}

export function hits({ semanticSearch }: AskByMeaningQuery): string[] {
  switch (semanticSearch?.__typename) {
    case 'SemanticSearchPayload':
      return semanticSearch.edges.flatMap(({ node }) => (node.__typename === 'Book' ? [node.title] : []));
    case 'SearchUnavailable':
      throw new Error(semanticSearch.message);
    default:
      return [];
  }
}

export function jobId({ scanLibrary }: ScanLibraryMutation): string {
  if (scanLibrary?.__typename === 'ScanLibraryPayload') return scanLibrary.job.id;
  throw new Error(scanLibrary === undefined || scanLibrary === null ? 'no answer' : scanLibrary.message);
}

export function follow(event: FollowJobSubscription): [sequence: string, state: string] {
  return [event.jobUpdated.sequence, event.jobUpdated.job.state];
}

export function best({ releaseSearchUpdated }: FollowReleaseSearchSubscription): string | null {
  return releaseSearchUpdated.releases.find(({ decision }) => decision.accepted)?.id ?? null;
}

export function requested({ requestDownload }: RequestDownloadMutation): string | null {
  switch (requestDownload?.__typename) {
    case 'RequestDownloadPayload':
      return requestDownload.download.id;
    case 'AlreadyRequestedError':
      return requestDownload.existing?.id ?? null;
    default:
      throw new Error(requestDownload?.message ?? 'no answer');
  }
}

export function progress({ downloadsUpdated }: FollowDownloadsSubscription): Map<string, number> {
  const told = downloadsUpdated.snapshot ?? downloadsUpdated.changes;
  return new Map(told.map(({ id, progress: { ratio } }) => [id, ratio]));
}
