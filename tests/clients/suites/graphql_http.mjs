/** The official GraphQL-over-HTTP audits. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { serverAudits } from 'graphql-http';
import { headers, url } from './server.mjs';

const EXPECTED_AUDITS = 61;

const audits = serverAudits({
  url,
  fetchFn: (address, options) => fetch(address, { ...options, headers: { ...options?.headers, ...headers } }),
});

const results = await Promise.all(audits.map((audit) => audit.fn()));
const passed = results.filter(({ status }) => status === 'ok');
console.log(`GraphQL over HTTP: ${passed.length} of ${results.length} audits ok`);

for (const result of results) {
  test(`${result.id} ${result.name}`, () => assert.equal(result.status, 'ok', result.reason));
}
test('all audits ran', () => assert.equal(results.length, EXPECTED_AUDITS));
