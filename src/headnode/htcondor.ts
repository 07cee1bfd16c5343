import { messageOf } from '../errors.js';
import { runAll } from '../hosts/batch.js';
import type { FileToPut, Output } from '../hosts/host.js';
import { putting, requirePut } from '../hosts/transfer.js';
import {
  condorHint,
  condorLooking,
  missingCondor,
  type Pool,
  type PoolPlan,
  poolConfig,
  poolScripts,
  poolStarting,
  readStarted,
  startPool,
  stopPool,
} from '../htcondor/pool.js';
import { queryPool } from '../htcondor/query.js';
import { bringUp, type Component, type Headnode, type Part, requireNone } from './component.js';
import { placeRelease } from './release.js';

/** The pool: collector, negotiator and schedd behind one port. */
export const htcondor: Component<PoolPlan, Pool> = {
  name: 'htcondor',

  async check({ host }, plan) {
    // a release is fetched by `install`
    if (plan.source.source === 'tarball') return [];
    const what = await missingCondor(host, plan);
    return what === undefined ? [] : [{ what, hint: condorHint }];
  },

  async install({ host }, { dir, source }) {
    if (source.source === 'tarball') await placeRelease(host, dir, source.from, source.sha256);
  },

  async configure({ host }, plan) {
    await host.put(filesOf(plan));
  },

  start: ({ host }, plan) => startPool(host, plan),

  async healthy({ host, dir }) {
    const { pool } = await queryPool(host, dir).catch(error => ({ pool: messageOf(error) }));
    return [partOf(pool)];
  },

  stop: ({ host, dir }) => stopPool(host, dir),

  // all of its files are below the cluster's directory
  async remove() {},
};

function filesOf(plan: PoolPlan): FileToPut[] {
  const scripts = poolScripts().map(file => ({ ...file, path: `${plan.dir}/${file.path}` }));
  return [{ path: `${plan.dir}/condor_config`, content: poolConfig(plan), mode: 0o600 }, ...scripts];
}

/** What must be done before the pool is brought up, and what reads its output. */
export interface Beforehand {
  readonly argv: readonly string[];
  readonly read: (out: Output | undefined) => unknown;
}

/**
 * `bringUp`, after another command, in one round trip; a release tarball is fetched and put there in further ones. What fails
 * is the last that is done.
 */
export async function bringUpHtcondor(at: Headnode, plan: PoolPlan, first: Beforehand): Promise<Pool> {
  const { host } = at;
  if (plan.source.source === 'tarball') {
    first.read(await host.run(first.argv, { check: false }));
    return bringUp(htcondor, at, plan);
  }
  const files = filesOf(plan);
  const commands = [first, { argv: condorLooking(plan) }, putting(files), { argv: poolStarting(plan) }];
  const [before, found, put, started] = await runAll(host, commands, { timeoutMs: 240_000, stopAtFailure: true });
  first.read(before);
  if (found?.exitCode !== 0) requireNone(htcondor, at, [{ what: found?.stderr.trim() ?? '', hint: condorHint }]);
  if (put) requirePut(host, files, put);
  return readStarted(host, started);
}

function partOf(pool: string): Part {
  const name = 'htcondor';
  if (pool === 'alive') return { name, state: 'alive' };
  if (pool === 'dead' || pool === 'none') return { name, state: 'dead', reason: 'none of its processes is running' };
  return { name, state: 'unknown', reason: pool };
}
