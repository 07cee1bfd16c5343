import https from 'node:https';
import ssh2 from 'ssh2';
import { AuthError, ConnectionError, messageOf, ScailfinError, TimeoutError, UsageError } from '../errors.js';
import { printable } from '../printable.js';
import { type Certificate, parseCertificate } from './ssh/certificate.js';

const limitMs = 60_000;
/** A key and a certificate are a few kilobytes. */
const maxAnswer = 256 * 1024;

export interface KeyRequest {
  /** The address of the service, such as `https://sshproxy.nersc.gov`. */
  readonly url: string;
  readonly user: string;
  /** Password followed by the one-time code. */
  readonly secret: string;
  /** What the key may be used for; the site defines the scopes. Default `default`: logging in, for a day. */
  readonly scope?: string | undefined;
  /** A shared account for which the key is; the scope is `collab` then. */
  readonly collab?: string | undefined;
  /** Milliseconds for the whole request; default 60 000. */
  readonly timeoutMs?: number | undefined;
}

/** A new private key (PEM text), and the certificate with which it is accepted for a while. */
export interface IssuedKey {
  readonly privateKey: string;
  readonly certificate: Certificate;
  /** The line of the service: type, base64, comment. */
  readonly certificateLine: string;
}

/**
 * Asks a service like NERSC's sshproxy for a key: `POST /create_pair/SCOPE/` with basic authentication. Asks only once,
 * because a one-time code works only once, and failures lock the account.
 * @throws AuthError, UsageError (no such scope), ConnectionError, TimeoutError, ScailfinError (the answer contains no
 * key)
 */
export async function requestKey(request: KeyRequest): Promise<IssuedKey> {
  checkWords(request);
  const { scope = request.collab === undefined ? 'default' : 'collab' } = request;
  const url = new URL(`/create_pair/${scope}/`, request.url);
  if (url.protocol !== 'https:') throw new UsageError(`${request.url} is not an https:// address`);
  const { status, text } = await post(url, request);
  if (status === 200) return parseKey(text, url.host);
  throw refusal(status, firstLine(text, request.secret), url.host, { ...request, scope });
}

/** Checks what can be checked before anybody types a code. @throws UsageError */
export function checkWords({ user, scope, collab }: Pick<KeyRequest, 'user' | 'scope' | 'collab'>): void {
  for (const [flag, name] of Object.entries({ user, scope, collab })) {
    if (name === undefined || /^\w[\w.-]*$/.test(name)) continue;
    throw new UsageError(
      `--${flag} can't be ${JSON.stringify(name)}: a name has letters, digits, dots and hyphens only`,
    );
  }
}

function post(
  url: URL,
  { user, secret, collab, timeoutMs = limitMs }: KeyRequest,
): Promise<{ status: number; text: string }> {
  const body = collab === undefined ? '' : JSON.stringify({ target_user: collab });
  return new Promise((resolve, reject) => {
    const request = https.request(url, {
      method: 'POST',
      auth: `${user}:${secret}`,
      // set explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED can't switch it off
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      agent: false,
      headers: { 'Content-Length': Buffer.byteLength(body), ...(body && { 'Content-Type': 'application/json' }) },
    });
    const late = setTimeout(() => {
      const hint = 'check the network, wait for the next code, and run it again';
      request.destroy(new TimeoutError(`${url.host} did not answer in ${timeoutMs / 1000} s`, { hint }));
    }, timeoutMs);
    request.on('close', () => clearTimeout(late));
    request.on('error', error => reject(error instanceof ScailfinError ? error : unreachable(url, error)));
    request.on('response', response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('error', error => reject(unreachable(url, error)));
      response.on('data', (part: string) => {
        text += part;
        if (text.length > maxAnswer) request.destroy(undocumented(url.host, 'its answer is too long'));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.end(body);
  });
}

/** The first private key in PEM, including its BEGIN and END lines. */
function firstKey(text: string): string | undefined {
  const begin = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----/.exec(text);
  const last = `-----END ${begin?.[1]}-----`;
  const end = begin ? text.indexOf(last, begin.index) : -1;
  return begin && end > 0 ? text.slice(begin.index, end + last.length) : undefined;
}

/** The documented answer: a private key in PEM, and a line with its certificate. No error contains its text. */
export function parseKey(text: string, host: string): IssuedKey {
  const privateKey = firstKey(text);
  const line = /^\S+-cert-v01@openssh\.com [A-Za-z0-9+/]+=*( .*)?$/m.exec(text)?.[0].trim();
  if (privateKey === undefined) throw undocumented(host, 'its answer contains no private key');
  if (line === undefined) throw undocumented(host, 'its answer contains no certificate');
  try {
    const certificate = parseCertificate(Buffer.from(line.split(' ')[1] ?? '', 'base64'));
    const parsed = ssh2.utils.parseKey(privateKey);
    const key = Array.isArray(parsed) ? parsed[0] : parsed;
    if (key === undefined || key instanceof Error) throw new Error('its private key can not be read');
    if (!certificate?.publicKey.equals(key.getPublicSSH())) throw new Error('its certificate is for another key');
    if (certificate.kind !== 'user') throw new Error('its certificate is for a host, not for users');
    return { privateKey: `${privateKey.trim()}\n`, certificate, certificateLine: printable(line) };
  } catch (error) {
    throw undocumented(host, messageOf(error));
  }
}

function refusal(status: number, said: string, host: string, { user, scope, collab }: KeyRequest): ScailfinError {
  const words = said === '' ? '' : `: ${said}`;
  switch (status) {
    case 401:
      return new AuthError(`${host} did not accept the password and one-time code of ${user}${words}`, {
        hint: 'wait for the next code, then run it again; at NERSC, five failures lock the account for five minutes',
      });
    case 403:
      return new AuthError(
        `${host} gives ${user} no key ${collab === undefined ? `for the scope ${scope}` : `for the account ${collab}`} (403${words})`,
        { hint: 'the site decides who gets a key, and from which networks: ask its help desk' },
      );
    case 404:
      return new UsageError(`${host} knows no scope ${scope}${words}`, {
        hint: 'leave out --scope, or use the one that the site gave you',
      });
    default:
      if (status < 500) return undocumented(host, `it answers with status ${status}${words}`);
      return new ConnectionError(`${host} failed with status ${status}${words}`, {
        hint: 'the service itself has a problem: try again later, with a new code',
      });
  }
}

function undocumented(host: string, why: string): ScailfinError {
  return new ScailfinError(`${host} does not answer as an sshproxy does: ${why}`, {
    hint: "check login.certificates.sshproxy in the site's profile, and the site's documentation",
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name could not be looked up (no answer from DNS)',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'it closed the connection',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its TLS certificate is signed by nobody this machine trusts',
  SELF_SIGNED_CERT_IN_CHAIN: 'its TLS certificate is signed by nobody this machine trusts',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its TLS certificate is signed by nobody this machine trusts',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its TLS certificate is signed by nobody this machine trusts',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another name',
};

function unreachable(url: URL, error: Error): ConnectionError {
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error);
  const isTls = reason.includes('TLS');
  return new ConnectionError(`can't ask ${url.host} for a key: ${reason}`, {
    hint: isTls
      ? 'somebody may be between you and the service: stop here, and ask the site'
      : 'check the name and the network',
    cause: error,
  });
}

/** The service's error text, without parts of the request that it may repeat. */
function firstLine(text: string, secret: string): string {
  const line = printable(text).trim().split('\n')[0]?.slice(0, 200) ?? '';
  return line.includes(secret) || /[<{]/.test(line) ? '' : line;
}
