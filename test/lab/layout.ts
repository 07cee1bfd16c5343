import { fileURLToPath } from 'node:url';
import type { Bind } from './host.js';
import { wheelsBind } from './wheels.js';

export type NetworkName = 'wan' | 'lan';
export const hostNames = ['laptop', 'headnode', 'login', 'c1', 'c2'] as const;
/** `login2` is there only after `Lab.addLogin2`. */
export type HostName = (typeof hostNames)[number] | 'login2';

export interface HostSpec {
  readonly name: HostName;
  readonly user: string;
  readonly addresses: { readonly [network in NetworkName]?: string };
  /** HTCondor is installed. */
  readonly condor: boolean;
  readonly sshd: boolean;
  /** The repository and Node.js are there, and `scailfin` on the PATH. */
  readonly scailfin: boolean;
  /** Part of the HPC site: shares its homes. */
  readonly site: boolean;
}

/** Every lab has the same addresses; its networks are its own. */
export const layout: readonly HostSpec[] = [
  host('laptop', 'scail', { wan: '10.77.0.2' }, ['scailfin']),
  host('headnode', 'scail', { wan: '10.77.0.3' }, ['scailfin', 'condor', 'sshd']),
  host('login', 'alice', { wan: '10.77.0.10', lan: '10.77.1.1' }, ['scailfin', 'condor', 'sshd', 'site']),
  host('c1', 'alice', { lan: '10.77.1.11' }, ['site']),
  host('c2', 'alice', { lan: '10.77.1.12' }, ['site']),
];

/** A second login node behind the first one's name, for tests of names that lead to several machines. */
export const secondLogin = host('login2', 'alice', { wan: '10.77.0.11', lan: '10.77.1.2' }, [
  ...(['scailfin', 'condor', 'sshd', 'site'] as const),
]);

export const loginLanAddress = '10.77.1.1';
export const lan = '10.77.1.0/24';

type Feature = 'condor' | 'sshd' | 'scailfin' | 'site';

function host(name: HostName, user: string, addresses: HostSpec['addresses'], features: Feature[]): HostSpec {
  const has = (feature: Feature) => features.includes(feature);
  return {
    name,
    user,
    addresses,
    condor: has('condor'),
    sshd: has('sshd'),
    scailfin: has('scailfin'),
    site: has('site'),
  };
}

export const specOf = (name: HostName): HostSpec =>
  [...layout, secondLogin].find(spec => spec.name === name) as HostSpec;

/** What the host sees of this machine. @param homes the site's, which stand for an NFS export */
export function bindsOf(spec: HostSpec, homes: string): Bind[] {
  const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
  const binds: Bind[] = [wheelsBind];
  if (spec.site) binds.push({ source: homes, target: '/home', mode: 'rw' });
  if (spec.scailfin) {
    binds.push({ source: repository, target: '/opt/scailfin', mode: 'ro' });
    binds.push({ source: process.execPath, target: '/usr/local/bin/node', mode: 'ro' });
  }
  return binds;
}

/**
 * /etc/hosts as that host has it: the outside is known everywhere but on the nodes of an isolated site, the compute nodes only
 * within the site.
 */
export function hostsFile(on: HostSpec, isIsolated = false): string {
  const lines = ['127.0.0.1 localhost'];
  // within the site the login node is known by its LAN address first
  if (on.site)
    lines.push(
      ...[...layout, secondLogin].filter(spec => spec.addresses.lan).map(spec => `${spec.addresses.lan} ${spec.name}`),
    );
  const isClosed = isIsolated && on.site && !on.addresses.wan;
  const outside = layout.filter(
    spec => spec.addresses.wan && !isClosed && !(on.site && !on.addresses.wan && spec.site),
  );
  return `${[...lines, ...outside.map(spec => `${spec.addresses.wan} ${spec.name}`)].join('\n')}\n`;
}
