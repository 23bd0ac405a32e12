/** @apollo/client: its cache with Relay-style pages, mutations, and subscriptions by graphql-ws. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getMainDefinition, relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import { filter, firstValueFrom } from 'rxjs';
import { Socket, anyBookId, authorization, document, freshJobId, headers, socketUrl, url } from './server.mjs';

const sockets = createClient({ url: socketUrl, webSocketImpl: Socket, connectionParams: { authorization } });
const client = new ApolloClient({
  link: ApolloLink.split(
    ({ query }) => getMainDefinition(query).operation === 'subscription',
    new GraphQLWsLink(sockets),
    new HttpLink({ uri: url, headers }),
  ),
  cache: new InMemoryCache({ typePolicies: { Query: { fields: { books: relayStylePagination() } } } }),
});
test.after(() => sockets.dispose());
test.after(() => client.stop());

test('queries', async () => {
  const { data } = await client.query({ query: document('LibraryStats') });
  assert.ok(data.libraryStats.books > 0);
});

test('joins pages in its cache', async () => {
  const query = client.watchQuery({ query: document('BookPage'), variables: { first: 2 } });
  const { data } = await firstValueFrom(query.pipe(filter(({ loading }) => !loading)));
  const seen = data.books.edges.map(({ node }) => node.id);
  const more = await query.fetchMore({ variables: { first: 1, after: data.books.pageInfo.endCursor } });
  const joined = client.cache.readQuery({ query: document('BookPage'), variables: { first: 2 } });
  assert.deepEqual(joined.books.edges.map(({ node }) => node.id), [...seen, more.data.books.edges[0].node.id]);
});

test('shows the code of an error', async () => {
  const refused = { query: document('BookPage'), variables: { first: 0 }, fetchPolicy: 'network-only' };
  await assert.rejects(client.query(refused), (error) => {
    assert.ok(CombinedGraphQLErrors.is(error), String(error));
    assert.equal(error.errors[0].extensions.code, 'BAD_USER_INPUT');
    return true;
  });
});

test('mutates, and its cache sees it', async () => {
  const id = await anyBookId();
  await client.query({ query: document('BookById'), variables: { id } });
  await client.mutate({ mutation: document('RenameBook'), variables: { id, subtitle: 'by Apollo' } });
  const cached = client.cache.readQuery({ query: document('BookById'), variables: { id } });
  assert.equal(cached.book.subtitle, 'by Apollo');
});

test('subscribes', async () => {
  const id = await freshJobId();
  const { data } = await firstValueFrom(client.subscribe({ query: document('FollowJob'), variables: { id } }));
  assert.equal(data.jobUpdated.job.id, id);
});
