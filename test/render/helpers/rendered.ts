import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { renderAll } from '../../../src/cluster/render.js';
import { planCluster, planSite, type UpRequest } from '../../../src/cluster/spec.js';
import { type SchedulerName, schedulerFor, schedulerNames } from '../../../src/schedulers/registry.js';
import { parseProfile } from '../../../src/sites/profile.js';
import type { SiteProfile } from '../../../src/sites/schema.js';
import { readProfile } from '../../unit/profiles.js';

/** What would leave the machine: text by its path, sorted. */
export type Rendered = ReadonlyMap<string, string>;

/** A few telling choices; `expected/` holds what is made of each. */
export const choices: Readonly<Record<string, { readonly site: string; readonly request: UpRequest }>> = {
  'local-context': {
    site: 'local',
    request: { nodes: 1, framework: ['reana'], kubernetes: 'context:theirs' },
  },
  'nersc-reana': {
    site: 'nersc',
    request: { account: 'm1234', queue: 'debug', walltime: 1800, nodes: 4, nodesPerJob: 2, reana: 'edge' },
  },
  bluewaters: { site: 'bluewaters', request: { account: 'jq1', nodes: 2, walltime: 7200 } },
  notredame: { site: 'notredame', request: { user: 'jdoe', nodes: 3, cores: 24, walltime: 36 * 3600 } },
  'bridges-bosco': {
    site: 'bridges',
    request: {
      user: 'jdoe',
      account: 'abc123',
      walltime: 7200,
      submit: 'bosco',
      min: 1,
      max: 8,
      headnode: 'hub.acme.test',
    },
  },
  'notredame-bosco': {
    site: 'notredame',
    request: { user: 'jdoe', max: 3, cores: 24, walltime: 36 * 3600, submit: 'bosco', headnode: 'login' },
  },
  'polaris-relay': { site: 'polaris', request: { account: 'datascience', nodes: 1, walltime: 3600, user: 'jdoe' } },
  'local-workqueue': {
    site: 'local',
    request: { name: 'mine', framework: ['workqueue'], ...{ workers: '2', workerCores: '4' } },
  },
  'local-spark': {
    site: 'local',
    request: { name: 'mine', framework: ['spark'], ...{ workers: '2', workerMemory: '4000' } },
  },
  'local-dask': {
    site: 'local',
    request: { name: 'mine', framework: ['dask'], ...{ workers: '2', workerImage: 'docker.io/library/python:3.12' } },
  },
  'local-jupyter': {
    site: 'local',
    request: { name: 'mine', framework: ['jupyter', 'dask'], notebooks: '$SCRATCH/work' },
  },
  'local-parsl': {
    site: 'local',
    request: { name: 'mine', framework: ['parsl'], ...{ workers: '2', workerCores: '4' } },
  },
  local: { site: 'local', request: { name: 'mine' } },
  'local-upstream': { site: 'local', request: { name: 'mine', reana: 'upstream' } },
};

/** Of each batch system, for what no shipped site has. */
export const families = schedulerNames;

/** @param more what is asked for, in addition to two nodes and REANA */
export function ofFamily(type: SchedulerName, more: UpRequest = {}): Promise<Rendered> {
  const { isThisMachine, profileKeys } = schedulerFor(type);
  const profile = {
    ...{ name: 'acme', title: 'A site of a test', account: 'optional', node: { cores: 8, memory: '16G' } },
    ...(isThisMachine ? {} : { login: { hosts: ['login.acme.test'] } }),
    scheduler: { type, ...(profileKeys?.includes('parallelEnvironment') ? { parallelEnvironment: 'smp' } : {}) },
  };
  // what is JSON is YAML
  return rendered(parseProfile(JSON.stringify(profile), 'test.yaml'), { ...request, ...more });
}

const request: UpRequest = { nodes: 2, framework: ['reana'] };

export function ofChoice(name: string): Promise<Rendered> {
  const choice = choices[name];
  if (!choice) throw new Error(`there is no choice ${name}`);
  return rendered(readProfile(choice.site), choice.request);
}

/** One after another: each has a directory that is removed at the end of the process, too, and Node.js warns of many. */
let turn: Promise<unknown> = Promise.resolve();
function rendered(profile: SiteProfile, request: UpRequest): Promise<Rendered> {
  const mine = turn.then(() => renderNow(profile, request));
  turn = mine.catch(() => {});
  return mine;
}

async function renderNow(profile: SiteProfile, request: UpRequest): Promise<Rendered> {
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-render-'));
  try {
    const config = { sites: {} };
    const files = await renderAll(planCluster(request, profile, config), planSite(request, profile, config, true), dir);
    const there = readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => relative(dir, join(entry.parentPath, entry.name)))
      .sort();
    if (there.join() !== [...files].sort().join()) throw new Error(`said to be written: ${files}; written: ${there}`);
    const tooOpen = there.find(
      name =>
        !name.endsWith('.sh') &&
        /settings$|settings\.json$|conf|env$|values/.test(name) &&
        (statSync(join(dir, name)).mode & 0o77) !== 0,
    );
    if (tooOpen) throw new Error(`${tooOpen} can be read by others`);
    return new Map(there.map(name => [name, readFileSync(join(dir, name), 'utf8')]));
  } finally {
    rmSync(dir, { recursive: true });
  }
}
