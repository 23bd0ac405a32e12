/** @graphql-codegen from the running server's introspection, then `tsc --strict` over the types and their reader. */
import path from 'node:path';
import { writeFile } from 'node:fs/promises';
import test from 'node:test';
import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { buildClientSchema, getIntrospectionQuery, parse, printSchema } from 'graphql';
import { emptyFolder, home, run } from './scratch.mjs';
import { operations, send } from './server.mjs';

test('types that are generated from the schema compile strictly', async () => {
  const introspection = await send(getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true }));
  const schema = parse(printSchema(buildClientSchema(introspection.data)));
  const folder = await emptyFolder('typed');
  await generate(folder, 'schema.ts', { typescript }, { schema, documents: [] });
  await generate(folder, 'operations.ts', { typescriptOperations }, {
    schema,
    documents: [{ location: 'operations.graphql', document: operations }],
  });
  await run('typescript', 'bin/tsc', ['--project', path.join(home, 'typed')]);
});

async function generate(folder, filename, pluginMap, input) {
  const plugins = Object.keys(pluginMap).map((name) => ({ [name]: {} }));
  const made = await codegen({ ...input, filename, pluginMap, plugins, config: { enumsAsTypes: true, useTypeImports: true } });
  await writeFile(path.join(folder, filename), made);
}
