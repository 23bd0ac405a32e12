/** The playground page: GraphiQL over fetch and graphql-ws on this origin, signed in by its cookie. */
import './workers.js';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import { useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import './page.css';
import { access, mayHeal, watchClose, watchedFetch } from './access.js';
import { exampleTabs } from './examples.js';

// The page stands at /graphql and at /playground, behind a path prefix or not.
const endpoint = new URL('graphql', window.location.href);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol.replace('http', 'ws');

const fetcher = createGraphiQLFetcher({
  url: endpoint.href,
  fetch: watchedFetch,
  headers: { 'X-Shelfgraph-CSRF': '1' },
  enableIncrementalDelivery: false,
  wsClient: createClient({ url: socket.href, on: { closed: watchClose }, shouldRetry: mayHeal }),
});

function SignedOutBanner() {
  if (!useSyncExternalStore(access.subscribe, access.isSignedOut)) return null;
  return (
    <p className="signed-out" role="alert">
      You are not signed in. Open the sign-in link that <code>shelfgraph up</code> printed, then reload this page.
    </p>
  );
}

createRoot(document.getElementById('playground')).render(
  <>
    <SignedOutBanner />
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={exampleTabs}
      defaultEditorToolsVisibility="variables"
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>Shelfgraph</GraphiQL.Logo>
    </GraphiQL>
  </>,
);
