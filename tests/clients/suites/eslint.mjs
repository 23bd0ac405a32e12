/** @graphql-eslint over schema.graphql: the recommended schema rules and Relay's. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { ESLint } from 'eslint';
import plugin from '@graphql-eslint/eslint-plugin';
import { buildSchema, isObjectType } from 'graphql';
import { schemaFile } from './scratch.mjs';

const sdl = await readFile(schemaFile, 'utf8');

/** Only nodes have an id: connections, edges, payloads, events, errors and values are not fetched again. */
const withoutId = Object.values(buildSchema(sdl).getTypeMap())
  .filter((type) => isObjectType(type) && !type.getInterfaces().some(({ name }) => name === 'Node'))
  .map(({ name }) => name);

const rules = {
  ...plugin.configs['flat/schema-recommended'].rules,
  ...plugin.configs['flat/schema-relay'].rules,
  // Beside edges, connections offer `nodes`, and value types may stand in plain lists.
  '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
  '@graphql-eslint/strict-id-in-types': ['error', { exceptions: { types: withoutId } }],
};

test('the schema follows the rules', async () => {
  const eslint = new ESLint({
    overrideConfigFile: true,
    overrideConfig: [{
      files: ['**/*.graphql'],
      plugins: { '@graphql-eslint': plugin },
      languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: sdl } } },
      rules,
    }],
  });
  const [{ messages }] = await eslint.lintText(sdl, { filePath: 'schema.graphql' });
  assert.deepEqual(messages.map(({ line, ruleId, message }) => `${line}: ${message} (${ruleId})`), []);
});
