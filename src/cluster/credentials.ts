import { generateKeyPair } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Credential, secondsLeft } from '../credentials/credential.js';
import { parseCertificate } from '../credentials/ssh/certificate.js';
import { Certificate } from '../credentials/x509/certificate.js';
import { issueProxy } from '../credentials/x509/issue.js';
import { assemble, proxyFile, proxyText, readProxy } from '../credentials/x509/proxy.js';
import { AuthError, messageOf } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { formatDuration } from '../units.js';
import type { EventSink } from './events.js';
import type { ClusterSpec, SiteSpec } from './spec.js';

/** A credential that a cluster needs, and its end. */
export interface Dependence {
  /** `the proxy /tmp/x509up_u1000`. */
  readonly what: string;
  readonly kind: 'proxy' | 'certificate';
  readonly file: string;
  /** The command that renews it. */
  readonly renew: string;
  /** What it is needed for: `to log in to bluewaters`, `for the jobs`. */
  readonly need: string;
  /** Undefined if there is none, or none that can be used. */
  readonly end: Date | undefined;
  readonly problem?: string;
  /** For how many seconds from now it must last when glide-ins are submitted; 0 if they do not need it. */
  readonly lasting: number;
}

/** Every command warns when less than this is left. Seconds. */
const WARN_BELOW = 3600;
/** Time for a login, and allowance for a wrong clock. Seconds. */
const LOGIN_TIME = 60;

/** The cluster's proxy for its jobs, below the cluster's directory on a site or headnode. */
const proxyIn = (dir: string): string => `${dir}/x509up`;

/** The credentials that a cluster needs. Reads files, asks nobody. */
export function dependences(spec: Pick<ClusterSpec, 'proxy'>, sites: readonly SiteSpec[]): Dependence[] {
  const found: Dependence[] = [];
  const lasting = Math.max(0, ...sites.map(site => site.walltime));
  if (spec.proxy) found.push(dependenceOn(spec.proxy, 'for the jobs', lasting));
  const byProxy = sites.filter(({ profile }) => profile.login?.auth?.[0] === 'gssapi-gsi').map(s => s.site);
  // without a proxy, another login method is used
  if (byProxy.length > 0 && existsSync(proxyFile()))
    found.push(dependenceOn(proxyFile(), `to log in to ${byProxy.join(' and ')}`, LOGIN_TIME));
  return [...found, ...sites.flatMap(dependenceOnCertificate)];
}

function dependenceOn(file: string, need: string, lasting: number): Dependence {
  const proxy = {
    kind: 'proxy',
    what: `the proxy ${file}`,
    file,
    need,
    renew: 'scailfin proxy renew',
    lasting,
  } as const;
  try {
    return { ...proxy, end: readProxy(file).end };
  } catch (error) {
    return { ...proxy, end: undefined, problem: messageOf(error) };
  }
}

/** A key that is valid for a day. The server may accept other logins, too, so glide-ins may be submitted without it. */
function dependenceOnCertificate({ site, profile }: SiteSpec): Dependence[] {
  const service = profile.login?.certificates;
  if (!service) return [];
  const file = `${service.key.replace(/^~/, homedir())}-cert.pub`;
  const line = readOptional(file);
  if (line === undefined) return [];
  const need = `to log in to ${site}`;
  const renew = `scailfin sshproxy --site ${site}`;
  const found = {
    kind: 'certificate',
    what: `the certificate ${file}`,
    file,
    need,
    renew,
    lasting: 0,
  } as const;
  try {
    const certificate = parseCertificate(Buffer.from(line.split(' ')[1] ?? '', 'base64'));
    const ends = certificate?.validBefore ?? Number.NaN;
    if (ends === Number.POSITIVE_INFINITY) return [];
    return [{ ...found, end: new Date(ends) }];
  } catch (error) {
    return [{ ...found, end: undefined, problem: messageOf(error) }];
  }
}

function readOptional(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** Warns about a credential that has ended, or ends within the hour. */
export function warnOf(dependence: Dependence, sink: EventSink, now = new Date()): void {
  const { what, need, end, problem, renew } = dependence;
  const left = end && secondsLeft({ end }, now);
  if (left !== undefined && left >= WARN_BELOW) return;
  const when = end ? endOf({ end }, now) : `can't be used (${problem})`;
  sink({ type: 'warning', text: `${what} ${when}, and is needed ${need}; renew it: ${renew}` });
}

/** `ends in 40:00`, `ended 2:00:00 ago`. */
export function endOf({ end }: Pick<Credential, 'end'>, now = new Date()): string {
  const left = secondsLeft({ end }, now);
  if (left > 0) return `ends in ${formatDuration(left)}`;
  return `ended ${formatDuration(Math.floor((now.getTime() - end.getTime()) / 1000))} ago`;
}

/**
 * Nothing is submitted with a credential that ends before it is needed: otherwise the jobs of a glide-in would fail one
 * by one.
 * @throws AuthError naming the first credential that does not last, and how to renew it
 */
export function requireLasting(all: readonly Dependence[], now = new Date()): void {
  for (const { what, need, end, problem, lasting, kind, renew } of all) {
    if (lasting === 0) continue;
    const make = kind === 'proxy' ? 'scailfin proxy init' : renew;
    if (!end) throw new AuthError(`${problem}; it is needed ${need}`, { hint: `to make one: ${make}` });
    if (secondsLeft({ end }, now) >= lasting) continue;
    const hours = Math.max(Math.ceil(lasting / 3600) + 1, 12);
    const wanted = lasting > LOGIN_TIME ? `, and glide-ins may run for ${formatDuration(lasting)}` : '';
    throw new AuthError(`${what} ${endOf({ end }, now)}${wanted}; it is needed ${need}`, {
      hint: `${renew}${kind === 'proxy' ? ` --hours ${hours}` : ''}, then run the same command again`,
    });
  }
}

/** The proxy for a cluster's jobs: PEM text, secret. */
export interface JobProxy {
  readonly text: string;
  readonly end: Date;
}

/**
 * Makes a proxy for a cluster's jobs from the user's proxy, whose key stays on this machine. It is a limited proxy: jobs
 * can move data with it, but can neither log in nor start jobs.
 * @throws AuthError, CertificateError if something is wrong with the user's proxy
 */
export async function jobProxy(file: string): Promise<JobProxy> {
  const { certificates, key, end } = readProxy(file);
  if (secondsLeft({ end }) === 0) {
    throw new AuthError(`the proxy ${file} ${endOf({ end })}`, { hint: 'scailfin proxy renew' });
  }
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const der = issueProxy({ certificate: certificates[0], key }, publicKey, { end, limited: true });
  const made = assemble(file, [new Certificate(der), ...certificates], privateKey);
  return { text: proxyText(made), end: made.end };
}

/**
 * Writes it into a cluster's directory on a host, replacing the old one atomically: jobs always find a complete proxy.
 */
export async function placeProxy(host: Host, dir: string, { text, end }: JobProxy): Promise<void> {
  await host.put([
    { path: proxyIn(dir), content: text, mode: 0o600 },
    // for the headnode's own submissions (grow.sh): Unix time
    { path: `${proxyIn(dir)}.ends`, content: `${Math.floor(end.getTime() / 1000)}\n`, mode: 0o600 },
  ]);
}

/** The file that `--proxy [FILE]` names, as an absolute path. */
export const chosenProxy = (given: string | true): string => resolve(given === true ? proxyFile() : given);
