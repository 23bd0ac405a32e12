/** Whether the API knows who is asking, as its own answers and socket closes tell. */
const UNAUTHENTICATED = 'UNAUTHENTICATED';
const UNAUTHENTICATED_CLOSES = new Set([4401, 4403]);

let signedOut = false;
const listeners = new Set();

export const access = {
  isSignedOut: () => signedOut,
  subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** Read a copy of each answer; GraphiQL gets the original untouched. */
export async function watchedFetch(url, options) {
  const response = await fetch(url, { ...options, credentials: 'same-origin' });
  const answer = await response.clone().json().catch(() => null);
  tell(response.status === 401 || isUnauthenticated(answer?.errors));
  return response;
}

export function watchClose({ code }) {
  if (UNAUTHENTICATED_CLOSES.has(code)) tell(true);
}

/** A lost connection heals by itself; being signed out does not. */
export function mayHeal({ code }) {
  return code !== undefined && !UNAUTHENTICATED_CLOSES.has(code);
}

function isUnauthenticated(errors) {
  return Array.isArray(errors) && errors.some(({ extensions }) => extensions?.code === UNAUTHENTICATED);
}

function tell(value) {
  signedOut = value;
  listeners.forEach((listener) => listener());
}
