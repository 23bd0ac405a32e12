/** @urql/core: queries, mutations, and subscriptions both by graphql-ws and by its own fetch (SSE). */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createClient as createSocketClient } from 'graphql-ws';
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { Socket, anyBookId, authorization, document, freshJobId, headers, socketUrl, url } from './server.mjs';

const sockets = createSocketClient({ url: socketUrl, webSocketImpl: Socket, connectionParams: { authorization } });
const overSocket = subscriptionExchange({
  forwardSubscription: ({ query = '', variables }) => ({
    subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query, variables }, sink) }),
  }),
});
const shared = { url, fetchOptions: { headers } };
const client = new Client({ ...shared, exchanges: [cacheExchange, fetchExchange, overSocket] });
const streaming = new Client({ ...shared, fetchSubscriptions: true, exchanges: [cacheExchange, fetchExchange] });
test.after(() => sockets.dispose());

test('queries', async () => {
  const { books } = await done(client.query(document('BookPage'), { first: 2 }));
  assert.equal(books.edges.length, 2);
});

test('queries by meaning', async () => {
  const { semanticSearch } = await done(client.query(document('AskByMeaning'), { query: 'the sea', first: 3 }));
  assert.match(semanticSearch.__typename, /^(SemanticSearchPayload|SearchUnavailable)$/);
});

test('shows the code of an error', async () => {
  const { error } = await client.query(document('BookPage'), { first: 0 });
  assert.equal(error.graphQLErrors[0].extensions.code, 'BAD_USER_INPUT');
});

test('mutates, and a query sees it', async () => {
  const id = await anyBookId();
  const { updateBook } = await done(client.mutation(document('RenameBook'), { id, subtitle: 'by urql' }));
  assert.deepEqual(updateBook, { __typename: 'UpdateBookPayload', book: { __typename: 'Book', id, subtitle: 'by urql' } });
  const { book } = await done(client.query(document('BookById'), { id }, { requestPolicy: 'network-only' }));
  assert.equal(book.subtitle, 'by urql');
});

test('wants a book until it does not', async () => {
  const book = await anyBookId();
  const { wantBook } = await done(client.mutation(document('WantBook'), { book, search: false }));
  const [{ id: want }] = wantBook.wants;
  assert.deepEqual(wantBook.wants.map((made) => made.book.id), [book]);
  const { wants } = await done(client.query(document('Wants'), { first: 100 }, { requestPolicy: 'network-only' }));
  assert.ok(wants.edges.some(({ node }) => node.id === want));
  const { unwantBook } = await done(client.mutation(document('UnwantBook'), { want }));
  assert.equal(unwantBook.want.state, 'CLOSED');
});

test('follows a search for releases from its first event', async () => {
  const { searchReleases } = await done(client.mutation(document('SearchReleases'), { text: 'the sea' }));
  const { id } = searchReleases.releaseSearch;
  const { releaseSearchUpdated } = await first(client.subscription(document('FollowReleaseSearch'), { id }));
  assert.deepEqual([releaseSearchUpdated.search.id, releaseSearchUpdated.resyncRequired], [id, false]);
});

test('reads and follows downloads', async () => {
  const { downloads } = await done(client.query(document('DownloadPage'), { first: 10 }));
  const { downloadsUpdated } = await first(client.subscription(document('FollowDownloads'), {}));
  assert.equal(downloads.edges.length, Math.min(downloads.totalCount, 10));
  assert.deepEqual([Array.isArray(downloadsUpdated.snapshot), downloadsUpdated.resyncRequired], [true, false]);
});

test('is told which release is not there', async () => {
  const unknown = { release: Buffer.from('Release:1').toString('base64url'), key: 'urql' };
  const { requestDownload } = await done(client.mutation(document('RequestDownload'), unknown));
  assert.equal(requestDownload.code, 'NOT_FOUND');
});

test('reads integrations', async () => {
  const { integrations } = await done(client.query(document('Integrations'), {}));
  assert.ok(Array.isArray(integrations));
});

for (const [way, subscriber] of [['a WebSocket', client], ['SSE', streaming]]) {
  test(`subscribes over ${way}`, async () => {
    const id = await freshJobId();
    const { jobUpdated } = await first(subscriber.subscription(document('FollowJob'), { id }));
    assert.equal(jobUpdated.job.id, id);
  });
}

async function done(source) {
  const { data, error } = await source;
  if (error) throw error;
  return data;
}

function first(source) {
  return new Promise((resolve, reject) => {
    const subscription = source.subscribe(({ data, error }) => {
      queueMicrotask(() => subscription.unsubscribe());
      if (error) reject(error);
      else resolve(data);
    });
  });
}
