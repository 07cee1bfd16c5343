import { UsageError } from '../../errors.js';
import { Certificate } from './certificate.js';
import { checkDates } from './checks.js';
import { type Made, makeKeys } from './create.js';
import { certificateRequest, issueProxy, keyOfRequest } from './issue.js';
import { counted, type MyProxyOptions, type MyProxyServer, MyProxySession } from './myproxy-session.js';
import type { MyProxyRequest } from './myproxy-wire.js';
import { CertificateError } from './problem.js';
import { assemble } from './proxy.js';
import type { Identity } from './user.js';

const defaultPort = 7512;
/** MyProxy's MIN_PASS_PHRASE_LEN. */
const shortest = 6;

/**
 * `host` or `host:port`; default MYPROXY_SERVER, with MYPROXY_SERVER_PORT and MYPROXY_SERVER_DN.
 * @throws UsageError
 */
export function myproxyServer(given: string | undefined, env: NodeJS.ProcessEnv = process.env): MyProxyServer {
  const text = given ?? env.MYPROXY_SERVER;
  const hint = 'name it: --server HOST[:PORT], or export MYPROXY_SERVER=HOST';
  if (!text) throw new UsageError('no MyProxy server was named', { hint });
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new UsageError(`not understood as a server: ${text}`, { hint });
  const number = Number(port ?? (given === undefined ? env.MYPROXY_SERVER_PORT : undefined) ?? defaultPort);
  return { host, port: number, identity: env.MYPROXY_SERVER_DN || undefined };
}

/** @throws UsageError for a passphrase that the MyProxy server would refuse only at the end */
export function checkPassphrase(passphrase: string): string {
  if (passphrase.length >= shortest) return passphrase;
  throw new UsageError(`a MyProxy passphrase has at least ${shortest} characters`, { hint: 'nothing was sent' });
}

export interface Wanted {
  readonly username: string;
  /** The name of one of several credentials of that user. */
  readonly credential?: string | undefined;
}

export interface FetchRequest extends Wanted {
  readonly passphrase: string;
  /** Seconds. */
  readonly lifetime: number;
  readonly bits: number;
}

/**
 * Fetches a proxy with a passphrase. Its key is made on this machine and never leaves it. @throws AuthError,
 * CertificateError
 */
export async function fetchProxy(
  server: MyProxyServer,
  request: FetchRequest,
  options: MyProxyOptions,
  file: string,
): Promise<Made> {
  return receive(server, { ...request, command: 'get' }, options, request, file);
}

/**
 * Fetches a new proxy by showing one that has not ended yet.
 * @param expiring the proxy to be renewed; it proves that we had it
 * @param options the certificate that talks to the server: usually it must not be that of the proxy
 */
export async function renewProxy(
  server: MyProxyServer,
  request: Omit<FetchRequest, 'passphrase'>,
  expiring: Identity,
  options: MyProxyOptions,
  file: string,
): Promise<Made> {
  return receive(server, { ...request, command: 'get', passphrase: '' }, options, request, file, expiring);
}

async function receive(
  server: MyProxyServer,
  request: MyProxyRequest,
  options: MyProxyOptions,
  { bits, lifetime }: Pick<FetchRequest, 'bits' | 'lifetime'>,
  file: string,
  proof?: Identity,
): Promise<Made> {
  const making = makeKeys(bits);
  const { session } = await MyProxySession.open(server, request, options, proof);
  try {
    const { publicKey, privateKey } = await making;
    session.send(certificateRequest(publicKey, privateKey));
    const all = (await session.certificates()).map(der => new Certificate(der));
    await session.response();
    const [first, ...others] = all;
    if (!first?.x509.checkPrivateKey(privateKey))
      throw new CertificateError('wrong-key', `the MyProxy server ${server.host} sent a certificate for another key`);
    const chain = [first, ...others.filter(c => !c.selfIssued)] as const;
    for (const certificate of chain) checkDates(certificate, new Date());
    const proxy = assemble(file, chain, privateKey);
    // servers count from the time of the request
    const short = Date.now() + lifetime * 1000 - proxy.end.getTime() > 600_000;
    return { proxy, notes: short ? ['the server gave it a shorter lifetime than was asked for'] : [] };
  } finally {
    session.close();
  }
}

export interface StoreRequest extends Wanted {
  /** Undefined: it is fetched without a passphrase, by the service that may renew it. */
  readonly passphrase: string | undefined;
  /** When what is stored ends. */
  readonly end: Date;
  /** Longest lifetime of proxies fetched from it; seconds. */
  readonly lifetime: number;
  /** Who may renew proxies with it: a name on one line, or a pattern with `*`. */
  readonly renewer?: string | undefined;
}

/**
 * Stores a proxy of the user on the server. Its key is made there; no key leaves this machine.
 * @returns when the stored credential ends
 */
export async function storeProxy(
  server: MyProxyServer,
  request: StoreRequest,
  own: Identity,
  options: Omit<MyProxyOptions, 'own'>,
): Promise<Date> {
  for (const certificate of own.certificates) checkDates(certificate, new Date());
  const { session } = await MyProxySession.open(server, { ...request, command: 'put' }, { ...options, own });
  try {
    const [issuer] = own.certificates;
    const publicKey = keyOfRequest(await session.readDer());
    const ends = [request.end, ...own.certificates.map(c => c.notAfter)].map(date => date.getTime());
    const end = new Date(Math.min(...ends));
    const der = issueProxy({ certificate: issuer, key: own.key }, publicKey, { end });
    session.send(counted({ certificates: [new Certificate(der), ...own.certificates] }));
    await session.response();
    return end;
  } finally {
    session.close();
  }
}

/** A credential stored under a user name. */
export interface Stored {
  /** Empty for the credential without a name. */
  readonly name: string;
  readonly owner: string;
  readonly start: Date | undefined;
  readonly end: Date | undefined;
  readonly retriever: string | undefined;
  readonly renewer: string | undefined;
}

/** Lists the stored credentials. The server answers only their owner. */
export async function storedProxies(server: MyProxyServer, wanted: Wanted, options: MyProxyOptions): Promise<Stored[]> {
  const { session, response } = await MyProxySession.open(server, { ...wanted, command: 'info' }, options);
  session.close();
  const value = (name: string): string | undefined => response.values.get(name)?.[0] || undefined;
  const time = (name: string): Date | undefined => {
    const seconds = Number(value(name));
    return seconds > 0 ? new Date(seconds * 1000) : undefined;
  };
  const stored = (name: string, prefix: string): Stored => ({
    name,
    owner: value(`${prefix}OWNER`) ?? '',
    start: time(`${prefix}START_TIME`),
    end: time(`${prefix}END_TIME`),
    retriever: value(`${prefix}RETRIEVER`),
    renewer: value(`${prefix}RENEWER`),
  });
  const others = (value('ADDL_CREDS') ?? '').split(',').filter(Boolean);
  return [stored(value('CRED_NAME') ?? '', 'CRED_'), ...others.map(name => stored(name, `CRED_${name}_`))];
}

/** Removes a stored credential. Only its owner may do so. */
export async function removeStored(server: MyProxyServer, wanted: Wanted, options: MyProxyOptions): Promise<void> {
  const { session } = await MyProxySession.open(server, { ...wanted, command: 'destroy' }, options);
  session.close();
}
