import { messageOf } from '../errors.js';
import {
  condorHint,
  missingCondor,
  type Pool,
  type PoolPlan,
  poolConfig,
  poolScripts,
  startPool,
  stopPool,
} from '../htcondor/pool.js';
import { queryPool } from '../htcondor/query.js';
import type { Component, Part } from './component.js';
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
    const scripts = poolScripts().map(file => ({ ...file, path: `${plan.dir}/${file.path}` }));
    await host.put([{ path: `${plan.dir}/condor_config`, content: poolConfig(plan), mode: 0o600 }, ...scripts]);
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

function partOf(pool: string): Part {
  const name = 'htcondor';
  if (pool === 'alive') return { name, state: 'alive' };
  if (pool === 'dead' || pool === 'none') return { name, state: 'dead', reason: 'none of its processes is running' };
  return { name, state: 'unknown', reason: pool };
}
