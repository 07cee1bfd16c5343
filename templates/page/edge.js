/** The token is not (or no longer) the token of this cluster. */
export class TokenError extends Error {}

const key = 'scailfin.token';

/** Takes a token out of the part of the address that only this page sees, and removes it there. */
export function tokenFromAddress() {
  const found = /^#token=([\w-]+)&?(.*)$/.exec(location.hash);
  if (!found) return;
  setToken(found[1]);
  history.replaceState(null, '', `${location.pathname}#${found[2] || '/'}`);
}

/** @returns {string | null} */
export const token = () => sessionStorage.getItem(key);
/** @param {string | undefined} value */
export const setToken = value => {
  if (value) sessionStorage.setItem(key, value);
  else sessionStorage.removeItem(key);
};

/**
 * @param {string} path @param {RequestInit} init
 * @throws TokenError; Error with the edge's message
 */
async function send(path, init = {}) {
  // relative, for users who reach the page below the path of another server
  const headers = { ...init.headers, Authorization: `Bearer ${token() ?? ''}` };
  const response = await fetch(path.slice(1), { ...init, headers, cache: 'no-store' });
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  if (response.status === 401 || response.status === 403) {
    if (/token|signed in/i.test(String(said.message))) throw new TokenError(String(said.message));
  }
  throw new Error(String(said.message ?? `the edge answered with status ${response.status}`));
}

/** @param {string} path @returns {Promise<any>} */
export const get = async path => (await send(path)).json();

/**
 * The beginning of a file.
 * @param {string} path @param {number} most bytes
 * @returns {Promise<{ text: string, isCut: boolean }>}
 */
export async function getText(path, most) {
  const { body } = await send(path);
  const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
  const decoder = new TextDecoder();
  let [text, read] = ['', 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), isCut: false };
    const part = value.subarray(0, most - read);
    text += decoder.decode(part, { stream: true });
    read += value.length;
    if (read <= most) continue;
    await reader.cancel();
    return { text, isCut: true };
  }
}

/** @param {string} path @param {unknown} body */
export const put = async (path, body) =>
  (
    await send(path, { method: 'PUT', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })
  ).json();

/**
 * An address that gives one file without the token in it, for a minute.
 * @param {string} path @param {string} [query]
 */
export async function ticketed(path, query = '') {
  const { ticket } = await get(`/api/edge/ticket?path=${encodeURIComponent(path)}`);
  return `${path.slice(1)}?ticket=${encodeURIComponent(ticket)}${query}`;
}

/** The edge sends something at least every 20 s; silence means that a tunnel is broken. */
const silenceMs = 50_000;

/**
 * Server-sent events; by fetch, because an EventSource can send a token only in its address.
 * @param {string} path @param {AbortSignal} signal @param {(name: string, data: any) => void} tell
 * @returns {Promise<void>} resolves when the edge ends it
 */
export async function listen(path, signal, tell) {
  const ended = new AbortController();
  const end = () => ended.abort();
  signal.addEventListener('abort', end);
  let timer = setTimeout(end, silenceMs);
  try {
    const { body } = await send(path, { signal: ended.signal });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(end, silenceMs);
      const messages = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = messages.pop() ?? '';
      for (const message of messages) dispatch(message, tell);
    }
  } finally {
    // otherwise an unread connection would stay open, and a browser allows only six
    end();
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

/** @param {string} message @param {(name: string, data: any) => void} tell */
function dispatch(message, tell) {
  // only a line feed ends a line here; a regular expression would also split at U+2028, which texts may contain
  const lines = message.split('\n');
  const name = lines.find(line => line.startsWith('event: '))?.slice(7);
  const data = lines.find(line => line.startsWith('data: '))?.slice(6);
  if (name && data !== undefined) tell(name, JSON.parse(data));
}

/**
 * Listens until the signal; reconnects after each break.
 * @param {string} path @param {AbortSignal} signal
 * @param {{ tell: (name: string, data: any) => void, broken: (error: unknown) => void, isOver?: () => boolean }} ears
 */
export async function keepListening(path, signal, { tell, broken, isOver = () => false }) {
  let wait = 500;
  const heard = (/** @type {string} */ name, /** @type {any} */ data) => {
    wait = 500;
    tell(name, data);
  };
  while (!signal.aborted && !isOver()) {
    try {
      await listen(path, signal, heard);
      if (isOver() || signal.aborted) return;
      broken(undefined);
    } catch (error) {
      if (signal.aborted) return;
      broken(error);
      if (error instanceof TokenError) return;
    }
    await new Promise(resolve => setTimeout(resolve, wait));
    wait = Math.min(10_000, wait * 2);
  }
}
