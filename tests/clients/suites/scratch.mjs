/** Files that suites make and programs that they start. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const home = fileURLToPath(new URL('..', import.meta.url));
export const schemaFile = process.env.SHELFGRAPH_SCHEMA ?? path.join(home, '..', '..', 'schema.graphql');

const require = createRequire(import.meta.url);

/** An empty folder below build/, which git ignores. */
export async function emptyFolder(name) {
  const folder = path.join(home, 'build', name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Run a package's program with this Node; fails with what it printed. */
export async function run(name, program, args, cwd = home) {
  const file = path.join(path.dirname(require.resolve(`${name}/package.json`)), program);
  const [failed, output] = await new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], { cwd }, (error, out, err) => resolve([error !== null, out + err]));
  });
  assert.ok(!failed, output);
}
