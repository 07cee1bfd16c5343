import { CommandError, ScailfinError } from '../errors.js';
import { templateText } from '../templates.js';
import type { Host, Output } from './host.js';
import { type Machine, parseMachine } from './machine.js';
import { keyValues, scriptCommand } from './script.js';

/** What a login node or headnode said about itself. */
export interface Probe {
  /** scailfin's directory there, absolute. */
  readonly base: string;
  readonly user: string;
  readonly uid: number;
  readonly host: string;
  readonly arch: string;
  /** Version of GNU's C library; empty if it has none. */
  readonly glibc: string;
  /** Its IPv4 addresses without loopback. */
  readonly addresses: readonly string[];
  /** Ends of our SSH connection as sshd sees them; undefined on this machine. */
  readonly ssh: { readonly client: string; readonly server: string } | undefined;
  /** The owner line of a cluster of this name that has a directory on the host. */
  readonly owner: string | undefined;
  /** The batch system's answers to that cluster's submissions. */
  readonly submitted: readonly string[];
  /** The address of the pool that the cluster's glide-ins at this site join. */
  readonly serves: string | undefined;
  /** The pool's directory, if there is one. */
  readonly pool: string | undefined;
  /** Undefined if it did not say so in a way that can be read. */
  readonly machine: Machine | undefined;
  /** Where jobs of that cluster were submitted, as is written beside its files; undefined for an older scailfin. */
  readonly siteMachine: Machine | undefined;
  /** Where the pool in `pool` was started, as is written beside it; undefined for a pool of an older scailfin. */
  readonly poolMachine: Machine | undefined;
  /** The address of the pool in `pool` on its own machine. */
  readonly poolAddress: string | undefined;
}

/** The directory that scailfin uses if the profile names none. */
export const defaultWork = '$HOME/.scailfin';

/**
 * Learns in one round trip everything that later steps need to know about a host.
 * @param work directory, may contain the host's own variables
 * @throws ScailfinError if that directory is not valid on the host
 */
export async function probe(host: Host, work: string, name: string): Promise<Probe> {
  return readProbe(host, await host.run(probing(work, name), { check: false }));
}

/** The command of `probe`. */
export const probing = (work: string, name: string): string[] =>
  scriptCommand(`${templateText('site/machine.sh')}\n${templateText('site/probe.sh')}`, [work, name]);

/** @param out that of `probing` @throws as `probe` */
export function readProbe(host: Host, out: Output): Probe {
  if (out.exitCode === 3)
    throw new ScailfinError(`${host.name}: ${out.stderr.trim()}`, {
      hint: 'correct directories.work in the site profile',
    });
  if (out.exitCode !== 0) throw new CommandError(host.name, 'look at the host', out.exitCode, out.stderr);
  const values = keyValues(out.stdout);
  const one = (key: string): string => values.get(key)?.[0] ?? '';
  const [client, , server] = one('ssh').split(' ');
  return {
    base: one('base'),
    user: one('user'),
    uid: Number(one('uid')),
    host: one('host'),
    arch: one('arch'),
    glibc: one('glibc'),
    addresses: values.get('address') ?? [],
    ssh: client && server ? { client, server } : undefined,
    owner: values.get('owner')?.[0],
    submitted: (values.get('submitted') ?? []).map(text => Buffer.from(text, 'base64').toString()),
    serves: values.get('serves')?.[0],
    pool: values.get('pool')?.[0],
    machine: parseMachine(one('machine')),
    siteMachine: parseMachine(one('sitemachine')),
    poolMachine: parseMachine(one('poolmachine')),
    poolAddress: values.get('pooladdress')?.[0],
  };
}
