/** The server under test, given by the environment, and the operations that are sent to it. */
import { readFileSync, readdirSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { parse, print, separateOperations } from 'graphql';
import WebSocket from 'ws';

export const url = `${given('SHELFGRAPH_URL')}/graphql`;
export const socketUrl = url.replace(/^http/, 'ws');
export const authorization = `Bearer ${given('SHELFGRAPH_TOKEN')}`;
export const headers = { authorization };

const folder = new URL('../operations/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.graphql')).sort();

/** Every operation, as one document. */
export const operations = parse(files.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n'));

/** The text of one operation, with the fragments it spreads. */
export function text(name) {
  const found = separateOperations(operations)[name];
  if (!found) throw new Error(`operations/ has no ${name}`);
  return print(found);
}

/** The same as a document of its own, for clients that take one. */
export function document(name) {
  return parse(text(name));
}

/** Send one operation with nothing but fetch, to prepare what a suite needs. */
export async function ask(name, variables = {}) {
  return (await send(text(name), variables)).data;
}

/** Any document, by plain POST; throws what GraphQL reports. */
export async function send(query, variables = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer;
}

/** The global id of a book that is there. */
export async function anyBookId() {
  return (await ask('BookPage', { first: 1 })).books.edges[0].node.id;
}

/** The global id of a scan that was just asked for. */
export async function freshJobId() {
  const [{ id: libraryRoot }] = (await ask('LibraryRoots')).libraryRoots;
  return (await ask('ScanLibrary', { libraryRoot, key: randomUUID() })).scanLibrary.job.id;
}

/** A WebSocket that names this origin, as browsers do. */
export class Socket extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { origin: new URL(url).origin });
  }
}

function given(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these suites run against a Shelfgraph that serves`);
  return value;
}
