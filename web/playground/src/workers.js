/** Monaco's workers, as files of this origin: the page's policy lets no other script in. */
const files = new Map([
  ['graphql', GRAPHQL_WORKER],
  ['json', JSON_WORKER],
]);

globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(new URL(files.get(label) ?? EDITOR_WORKER, import.meta.url)),
};
