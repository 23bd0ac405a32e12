/** Bundle the playground: `node build.mjs [FOLDER]` writes index.html and assets/ there (default dist). */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

const folder = process.argv[2] ?? 'dist';
const assets = path.join(folder, 'assets');
const shared = {
  bundle: true,
  minify: true,
  metafile: true,
  outdir: assets,
  // Names carry the content's hash, so the API may let browsers keep the files for ever.
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  target: 'es2022',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.graphql': 'text', '.ttf': 'file' },
  logLevel: 'warning',
};

await rm(folder, { recursive: true, force: true });
await mkdir(assets, { recursive: true });
const workers = outputs(await build({
  ...shared,
  format: 'iife',
  entryPoints: [
    'monaco-editor/esm/vs/editor/editor.worker.js',
    'monaco-editor/esm/vs/language/json/json.worker.js',
    'monaco-graphql/esm/graphql.worker.js',
  ],
}));
const page = outputs(await build({
  ...shared,
  format: 'esm',
  splitting: true,
  jsx: 'automatic',
  // The names GraphiQL imports lead to UMD files, of which a bundler sees no exports.
  alias: {
    'prettier/parser-babel': 'prettier/plugins/babel',
    'prettier/parser-graphql': 'prettier/plugins/graphql',
  },
  entryPoints: ['src/main.jsx'],
  define: {
    ...shared.define,
    EDITOR_WORKER: named(workers, 'editor.worker', '.js'),
    JSON_WORKER: named(workers, 'json.worker', '.js'),
    GRAPHQL_WORKER: named(workers, 'graphql.worker', '.js'),
  },
}));
await writeFile(path.join(folder, 'index.html'), fill(await readFile('src/index.html', 'utf8'), {
  script: asset(named(page, 'main', '.js')),
  style: asset(named(page, 'main', '.css')),
}));

function outputs({ metafile }) {
  return Object.keys(metafile.outputs).map((file) => path.basename(file));
}

/** The one file of that entry point, as a JavaScript string literal. */
function named(files, entry, ending) {
  const found = files.filter((file) => file.startsWith(`${entry}-`) && file.endsWith(ending));
  if (found.length !== 1) throw new Error(`expected one ${entry}*${ending}, found: ${found.join(', ') || 'none'}`);
  return JSON.stringify(found[0]);
}

function asset(literal) {
  return `playground/assets/${JSON.parse(literal)}`;
}

function fill(template, values) {
  return template.replaceAll(/{{(\w+)}}/g, (_, name) => values[name]);
}
