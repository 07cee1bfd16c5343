import { generateKeyPair } from 'node:crypto';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Credential, secondsLeft } from '../credentials/credential.js';
import { Certificate } from '../credentials/x509/certificate.js';
import { issueProxy } from '../credentials/x509/issue.js';
import { assemble, proxyFile, proxyText, readProxy } from '../credentials/x509/proxy.js';
import { AuthError, messageOf } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { formatDuration } from '../units.js';
import type { EventSink } from './events.js';
import type { ClusterSpec, SiteSpec } from './spec.js';

/** Something a cluster can't do without, and until when. */
export interface Dependence {
  /** `the proxy /tmp/x509up_u1000`. */
  readonly what: string;
  readonly file: string;
  /** What stops without it: `to log in to bluewaters`, `for the jobs`. */
  readonly need: string;
  /** Undefined where there is none, or none that can be used. */
  readonly end: Date | undefined;
  readonly problem?: string;
  /** Seconds from now on that it must last when glide-ins are submitted. */
  readonly lasting: number;
}

/** Below this, every command says so. Seconds. */
const WARN_BELOW = 3600;
/** A login takes this long, and a clock may be wrong by as much. Seconds. */
const LOGIN_TIME = 60;

/** Where a cluster's jobs find the proxy it brings, below the cluster's directory on a site or headnode. */
const proxyIn = (dir: string): string => `${dir}/x509up`;

/** What a cluster depends on. Reads files, asks nobody. */
export function dependences(spec: Pick<ClusterSpec, 'proxy'>, sites: readonly SiteSpec[]): Dependence[] {
  const found: Dependence[] = [];
  const lasting = Math.max(0, ...sites.map(site => site.walltime));
  if (spec.proxy) found.push(dependenceOn(spec.proxy, 'for the jobs', lasting));
  const byProxy = sites.filter(({ profile }) => profile.login?.auth?.[0] === 'gssapi-gsi').map(s => s.site);
  if (byProxy.length > 0) found.push(dependenceOn(proxyFile(), `to log in to ${byProxy.join(' and ')}`, LOGIN_TIME));
  return found;
}

function dependenceOn(file: string, need: string, lasting: number): Dependence {
  const what = `the proxy ${file}`;
  try {
    const { end } = readProxy(file);
    return { what, file, need, lasting, end };
  } catch (error) {
    return { what, file, need, lasting, end: undefined, problem: messageOf(error) };
  }
}

/** Says what has ended, or ends within the hour. */
export function warnOf(dependence: Dependence, sink: EventSink, now = new Date()): void {
  const { what, need, end, problem } = dependence;
  const left = end && secondsLeft({ end }, now);
  if (left !== undefined && left >= WARN_BELOW) return;
  const when = end ? endOf({ end }, now) : `can't be used (${problem})`;
  sink({ type: 'warning', text: `${what} ${when}, and is needed ${need}; renew it: scailfin proxy renew` });
}

/** `ends in 40:00`, `ended 2:00:00 ago`. */
export function endOf({ end }: Pick<Credential, 'end'>, now = new Date()): string {
  const left = secondsLeft({ end }, now);
  if (left > 0) return `ends in ${formatDuration(left)}`;
  return `ended ${formatDuration(Math.floor((now.getTime() - end.getTime()) / 1000))} ago`;
}

/**
 * Nothing is submitted with a credential that ends before it is needed: a glide-in's jobs would fail one by one.
 * @throws AuthError naming the first that does not last, and how to renew it
 */
export function requireLasting(all: readonly Dependence[], now = new Date()): void {
  for (const { what, need, end, problem, lasting } of all) {
    if (!end) throw new AuthError(`${problem}; it is needed ${need}`, { hint: 'make one: scailfin proxy init' });
    if (secondsLeft({ end }, now) >= lasting) continue;
    const hours = Math.ceil(lasting / 3600) + 1;
    const wanted = lasting > LOGIN_TIME ? `, and glide-ins may live ${formatDuration(lasting)}` : '';
    throw new AuthError(`${what} ${endOf({ end }, now)}${wanted}; it is needed ${need}`, {
      hint: `scailfin proxy renew --hours ${Math.max(hours, 12)}, then the same command again`,
    });
  }
}

/** What a cluster's jobs get: PEM text, secret. */
export interface JobProxy {
  readonly text: string;
  readonly end: Date;
}

/**
 * Makes a proxy for a cluster's jobs from the person's, whose key stays here. It is limited: it lets them move data,
 * but neither log in nor start jobs.
 * @throws AuthError, CertificateError for what is wrong with the person's proxy
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

/** Puts it into a cluster's directory on a host, in one move over the one before: jobs find one or the other, whole. */
export async function placeProxy(host: Host, dir: string, { text }: JobProxy): Promise<void> {
  await host.put([{ path: proxyIn(dir), content: text, mode: 0o600 }]);
}

/** The file that `--proxy [FILE]` names, as an absolute path. */
export const chosenProxy = (given: string | true): string => resolve(given === true ? proxyFile() : given);
