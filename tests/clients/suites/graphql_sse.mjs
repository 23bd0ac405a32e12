/** The graphql-sse client in "distinct connections" mode. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createClient } from 'graphql-sse';
import { anyBookId, freshJobId, headers, text, url } from './server.mjs';

const client = createClient({ url, headers, retryAttempts: 0 });
test.after(() => client.dispose());

test('answers a query and completes', async () => {
  const id = await anyBookId();
  const results = await all({ query: text('BookById'), variables: { id } });
  assert.deepEqual(results.map(({ data }) => data.book.id), [id]);
});

test('streams a subscription that begins with the state', async () => {
  const id = await freshJobId();
  for await (const { data } of client.iterate({ query: text('FollowJob'), variables: { id } })) {
    assert.equal(data.jobUpdated.job.id, id);
    return;
  }
  assert.fail('the stream ended without an event');
});

test('reports a request that does not fit the schema', async () => {
  const outcome = await all({ query: '{ noSuchField }' }).catch((error) => error);
  const status = outcome.response?.status ?? outcome[0]?.errors?.[0]?.extensions?.code;
  assert.ok(status === 400 || status === 'GRAPHQL_VALIDATION_FAILED', `answered ${status}`);
});

test('refuses a stream to a token that is not known', async () => {
  const stranger = createClient({ url, headers: { authorization: 'Bearer sg_unknown' }, retryAttempts: 0 });
  const outcome = await all({ query: text('FollowLibrary') }, stranger).catch((error) => error);
  assert.equal(outcome.response?.status, 401);
});

async function all(payload, from = client) {
  const results = [];
  for await (const result of from.iterate(payload)) results.push(result);
  return results;
}
