/** relay-compiler: connections with @connection, refetch through node(id:), mutations and subscriptions compile. */
import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { parse, print } from 'graphql';
import { emptyFolder, home, run, schemaFile } from './scratch.mjs';

const ARTIFACTS = [
  'BookDetailsMutation',
  'BookDetailsRefetchQuery',
  'BookDetails_book',
  'BookListPaginationQuery',
  'BookListQuery',
  'BookList_books',
  'JobProgressQuery',
  'JobProgressSubscription',
  'JobProgress_job',
];

test('compiles every query and fragment', async () => {
  const project = await emptyFolder('relay');
  await writeFile(path.join(project, 'schema.graphql'), await readFile(schemaFile, 'utf8'));
  const settings = { src: './', schema: './schema.graphql', language: 'typescript', noFutureProofEnums: true };
  await writeFile(path.join(project, 'relay.config.json'), JSON.stringify(settings));
  const sources = path.join(home, 'relay');
  for (const name of await readdir(sources)) {
    const text = await readFile(path.join(sources, name), 'utf8');
    await writeFile(path.join(project, name.replace('.graphql', '.ts')), module(text));
  }
  await run('relay-compiler', 'cli.js', ['relay.config.json'], project);
  const made = await readdir(path.join(project, '__generated__'));
  assert.deepEqual(made.sort(), ARTIFACTS.map((name) => `${name}.graphql.ts`).sort());
});

/** Relay reads operations out of source files, not out of .graphql files. */
function module(text) {
  const tagged = parse(text).definitions.map((definition) => `graphql\`${print(definition)}\`;`);
  return ["import { graphql } from 'relay-runtime';", ...tagged].join('\n');
}
