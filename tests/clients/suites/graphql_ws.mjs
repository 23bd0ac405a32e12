/** The graphql-ws client, and the protocol's close codes seen raw. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { createClient } from 'graphql-ws';
import { Socket, anyBookId, authorization, freshJobId, socketUrl, text } from './server.mjs';

const PROTOCOL = 'graphql-transport-ws';
/** A server may give a client a while to introduce itself; more than this is no limit. */
const INIT_PATIENCE_MS = 15_000;
const INIT = { type: 'connection_init', payload: { authorization } };

const client = createClient({ url: socketUrl, webSocketImpl: Socket, connectionParams: { authorization }, retryAttempts: 0 });
test.after(() => client.dispose());

test('answers a query', async () => {
  const id = await anyBookId();
  const [{ data }] = await take(1, { query: text('BookById'), variables: { id } });
  assert.equal(data.book.id, id);
});

test('reports a request that does not fit the schema without closing the socket', async () => {
  await assert.rejects(take(1, { query: '{ noSuchField }' }), (errors) => {
    assert.equal(errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
    return true;
  });
  assert.equal((await take(1, { query: '{ __typename }' }))[0].data.__typename, 'Query');
});

test('streams a subscription that begins with the state', async () => {
  const id = await freshJobId();
  const [{ data }] = await take(1, { query: text('FollowJob'), variables: { id } });
  assert.equal(data.jobUpdated.job.id, id);
});

test('answers a ping with a pong', async () => {
  const socket = await acknowledged();
  socket.send(JSON.stringify({ type: 'ping' }));
  assert.equal((await message(socket)).type, 'pong');
  socket.close();
});

test('4400 for a message that is no message', async () => {
  assert.equal(await closeAfter(await acknowledged(), [{ type: 'no_such_type' }]), 4400);
  assert.equal(await closeAfter(await acknowledged(), ['{']), 4400);
});

test('4401 for an operation before the introduction', async () => {
  assert.equal(await closeAfter(await opened(), [subscribe('a', '{ __typename }')]), 4401);
});

test('4403 for a token that is not known', async () => {
  const unknown = { type: 'connection_init', payload: { authorization: 'Bearer sg_unknown' } };
  assert.equal(await closeAfter(await opened(), [unknown]), 4403);
});

test('no socket, or 4406, for the legacy protocol', async () => {
  const socket = new Socket(socketUrl, 'graphql-ws');
  const outcome = await new Promise((resolve) => {
    socket.on('error', () => resolve('refused')).on('close', resolve).on('open', () => socket.send('{}'));
  });
  assert.ok(outcome === 'refused' || outcome === 4406, `closed with ${outcome}`);
});

test('4408 for a client that never introduces itself', { timeout: INIT_PATIENCE_MS }, async () => {
  assert.equal(await closeAfter(await opened(), []), 4408);
});

test('4409 for an id that is in use', async () => {
  const twice = subscribe('a', text('FollowLibrary'));
  assert.equal(await closeAfter(await acknowledged(), [twice, twice]), 4409);
});

test('4429 for a second introduction', async () => {
  assert.equal(await closeAfter(await acknowledged(), [INIT]), 4429);
});

async function take(count, payload) {
  const results = [];
  for await (const result of client.iterate(payload)) {
    results.push(result);
    if (results.length === count) break;
  }
  return results;
}

async function opened() {
  const socket = new Socket(socketUrl, PROTOCOL);
  await once(socket, 'open');
  return socket;
}

async function acknowledged() {
  const socket = await opened();
  socket.send(JSON.stringify(INIT));
  assert.equal((await message(socket)).type, 'connection_ack');
  return socket;
}

async function message(socket) {
  const [data] = await once(socket, 'message');
  return JSON.parse(data);
}

async function closeAfter(socket, messages) {
  const closed = once(socket, 'close');
  for (const each of messages) socket.send(typeof each === 'string' ? each : JSON.stringify(each));
  return (await closed)[0];
}

function subscribe(id, query) {
  return { id, type: 'subscribe', payload: { query } };
}
