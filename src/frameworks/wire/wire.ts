import { CommandError, ScailfinError } from '../../errors.js';
import type { Component, Headnode } from '../../headnode/component.js';
import type { FileToPut } from '../../hosts/host.js';
import { keyValues, runScript } from '../../hosts/script.js';
import { render, templateText } from '../../templates.js';
import type { WireKeys } from './keys.js';

/** A service of the headnode that workers reach by the wire. */
export interface WirePlan {
  readonly service: string;
  /** The port of loopback on which the service listens. */
  readonly port: number;
  readonly keys: WireKeys;
  readonly mesh?: Mesh;
}

/**
 * A network of the service's workers and of the headnode, all with addresses of their own below 127: a program that listens
 * at one of these ports is reached at its address on every machine.
 */
export interface Mesh {
  /** The headnode's. */
  readonly address: string;
  /** The ports of the headnode. */
  readonly ports: readonly number[];
  /** The ports of each worker. */
  readonly each: readonly number[];
}

/**
 * The headnode's end of the wire, by which workers on compute nodes reach services that listen on loopback: through the
 * pool's one port, so that it needs no other, and works wherever glide-ins do. The pool's master runs and restarts it.
 */
export const wire: Component<WirePlan, void> = {
  name: 'wire',

  async check(at) {
    if ((await pythonOn(at)) !== undefined) return [];
    const hint = `install Python 3.6 or newer there, so that \`ssh ${at.host.address} python3 --version\` answers`;
    return [{ what: 'there is no Python 3.6 or newer, which carries the connections of workers', hint }];
  },

  // its one file is part of the configuration
  async install() {},

  async configure(at, plan) {
    const python = (await pythonOn(at)) ?? 'python3';
    await at.host.put(wireFiles(at.dir, plan, python).map(f => ({ ...f, path: `${at.dir}/${f.path}` })));
  },

  async start({ host, dir, cluster }) {
    await runScript(host, templateText('headnode/wire/start.sh'), [dir], { timeoutMs: 60_000 }).catch(error => {
      if (!(error instanceof CommandError) || error.exitStatus !== 9) throw error;
      throw new ScailfinError(`${host.name}: ${error.stderr.trim()}`, {
        ...{ cause: error, hint: `run the same command again, or take it down: scailfin down ${cluster}` },
      });
    });
  },

  async healthy({ host, dir }) {
    const runs = 'p=$(cat "$1/wire/wire.pid") && grep -qzxF "$1/wire/head.py" "/proc/$p/cmdline"';
    const out = await runScript(host, runs, [dir], { check: false });
    return [{ name: 'wire', state: out.exitCode === 0 ? 'alive' : 'dead' }];
  },

  // it ends with the pool, and all of its files are below the cluster's directory
  async stop() {},
  async remove() {},
};

/** A Python of the headnode that can run its end; undefined if there is none. */
export async function pythonOn({ host }: Headnode): Promise<string | undefined> {
  const out = await runScript(host, templateText('headnode/wire/look.sh'), []);
  return keyValues(out.stdout).get('python')?.[0];
}

/** The files with which the pool's master runs the wire; paths are below the pool's directory. Secret. */
export function wireFiles(pool: string, { service, port, keys, mesh }: WirePlan, python: string): FileToPut[] {
  const file = (path: string, content: string, mode = 0o600): FileToPut => ({ path, content, mode });
  return [
    file('wire/keys.json', `${JSON.stringify(keys, null, 2)}\n`),
    file('wire/cert.pem', keys.certificate),
    file('wire/key.pem', keys.key),
    file(`wire/services/${service}`, `${JSON.stringify({ key: keys.services[service], port, mesh })}\n`),
    file('wire/head.py', templateText('wire/head.py')),
    file('wire/run.sh', render('headnode/wire/run', { dir: pool, python }), 0o700),
    file('wire.config', render('headnode/wire/config', { dir: pool })),
  ];
}

/** What a worker needs of the wire; paths are below its directory. Secret. */
export const nodeFiles = ({ keys, service }: Pick<WirePlan, 'keys' | 'service'>): FileToPut[] => [
  { path: 'wire/node.py', content: templateText('wire/node.py'), mode: 0o600 },
  { path: 'wire/cert.pem', content: keys.certificate, mode: 0o600 },
  { path: 'wire/key', content: `${keys.services[service]}\n`, mode: 0o600 },
];
