/** The example operations as GraphiQL tabs: one tab an operation, with the comment above it. */
import { parse } from 'graphql';
import source from './examples.graphql';

export const exampleTabs = operations(source).map(({ query, variables }) => ({
  query,
  variables: variables.length === 0 ? null : JSON.stringify(blanks(variables), null, 2),
}));

function operations(text) {
  let start = 0;
  return parse(text).definitions.map(({ loc, variableDefinitions }) => {
    const query = text.slice(start, loc.end).trim() + '\n';
    start = loc.end;
    return { query, variables: variableDefinitions.filter(({ defaultValue }) => !defaultValue) };
  });
}

/** Only variables that must be given: an optional one left blank would be sent as "". */
function blanks(variables) {
  const needed = variables.filter(({ type }) => type.kind === 'NonNullType');
  return Object.fromEntries(needed.map(({ variable }) => [variable.name.value, '']));
}
