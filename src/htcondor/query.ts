import { ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';
import { type Growth, parseGrowth } from './growth.js';
import { parseTokens, type TokenFacts } from './tokens.js';

/** The state of the pool, read in one round trip. */
export interface PoolStatus {
  /** `none`: its files do not exist; `dead`: its processes do not run. */
  readonly pool: 'alive' | 'dead' | 'none';
  readonly glideins: readonly PoolGlidein[];
  /** All tokens that were ever made for glide-ins. */
  readonly tokens: readonly TokenFacts[];
  readonly jobs:
    | { readonly idle: number; readonly running: number; readonly held: number; readonly total: number }
    | undefined;
  /** Who has jobs in the pool, if people share it. */
  readonly people?: readonly PersonsJobs[];
  /** REANA's edge, if the cluster has one. */
  readonly edge?: 'alive' | 'dead';
  /** The sites at which the pool grows by itself. */
  readonly growth?: readonly Growth[];
  /** What the process that keeps the relays wrote down, and whether it runs; absent if there are none. */
  readonly relays?: {
    readonly isAlive: boolean;
    readonly states: readonly string[];
    /** Its last sign of life, Unix time. */
    readonly seen?: number;
  };
}

/** The jobs of one of the people who share a pool. */
export interface PersonsJobs {
  /** Absent: the pool's owner. */
  readonly name?: string;
  readonly idle: number;
  readonly running: number;
  readonly held: number;
}

/** A glide-in as the collector knows it. */
export interface PoolGlidein {
  /** The id of its batch job in the scheduler, as the machine itself says. */
  readonly job: string;
  /** In the pool: `slot1@7_1.a1b2c3d4@c1`. */
  readonly name: string;
  /** Whose token it used, as the collector saw it: the id of a submission, `old` for an older scailfin's token, or ``. */
  readonly bearer: string;
  readonly site: string;
  readonly node: string;
  readonly cores: number;
  /** Cores on which a job is running. */
  readonly busy: number;
  readonly jobs: number;
  /** MiB. */
  readonly memory: number;
  /** The latest time at which it ends, Unix time. */
  readonly ends: number | undefined;
  /** Seconds since its last update; a live one sends an update every 20 s. */
  readonly silent: number;
}

interface SlotAd {
  Name?: string;
  Machine?: string;
  ChildActivity?: string[];
  ChildCpus?: number[];
  AuthenticatedIdentity?: string;
  TotalSlotCpus?: number;
  TotalSlotMemory?: number;
  ScailfinGlidein?: string;
  ScailfinSite?: string;
  ScailfinEnds?: number;
  LastHeardFrom?: number;
}

/**
 * @param dir the pool's directory on the host @throws ScailfinError if the pool lives but can't be asked: *unknown*, not
 * *gone*
 */
export async function queryPool(host: Host, dir: string): Promise<PoolStatus> {
  const { stdout, stderr } = await runScript(host, poolScript(), [dir], {
    timeoutMs: 75_000,
  });
  return parsePool(stdout, stderr);
}

/**
 * Waits on the headnode until so many glide-ins have joined. It is a hint: who is in the pool, `queryPool` says.
 * @returns whether so many are there; false after `seconds`, or if the pool can't be asked
 */
export async function glideinsJoined(host: Host, dir: string, count: number, seconds: number): Promise<boolean> {
  const args = [dir, String(count), String(seconds)];
  const options = { check: false, timeoutMs: 1000 * seconds + 30_000 };
  return (await runScript(host, templateText('headnode/pool-wait.sh'), args, options)).exitCode === 0;
}

/** The script that prints the pool's state: `pool-query DIR`. */
export const poolScript = (): string =>
  `${templateText('headnode/token-list.sh')}\n${templateText('headnode/pool-query.sh')}`;

/** Reads the output of `pool-query`. */
export function parsePool(stdout: string, stderr = ''): PoolStatus {
  const pool = /^pool=(\w+)$/m.exec(stdout)?.[1];
  if (pool === 'none' || pool === 'dead') return { pool, glideins: [], tokens: [], jobs: undefined };
  const [, slots, jobs] = stdout.split(/^== (?:slots|jobs)\n/m, 3);

  if (pool !== 'alive' || slots === undefined || jobs === undefined || slots.trimEnd().endsWith('failed')) {
    throw new ScailfinError(`the pool could not be asked: ${stderr.trim().split('\n').at(-1) || 'no answer'}`);
  }
  const now = Number(/^now=(\d+)$/m.exec(stdout)?.[1] ?? 0);
  const edge = /^edge=(alive|dead)$/m.exec(stdout)?.[1] as PoolStatus['edge'];
  const growth = parseGrowth(stdout, now);
  return {
    ...{ pool, glideins: glideinsOf(slots, now), tokens: parseTokens(stdout), jobs: jobsOf(jobs) },
    ...(edge ? { edge } : {}),
    ...(growth.length > 0 ? { growth } : {}),
    ...relaysIn(stdout),
    ...peopleIn(jobs),
  };
}

/** HTCondor's JobStatus: 2 running, 5 held; 3 removed and 4 completed do not count any more. */
const states: Readonly<Record<string, 'idle' | 'running' | 'held'>> = {
  ...{ 1: 'idle', 2: 'running', 5: 'held', 6: 'running', 7: 'idle' },
};

/** Lines `person=COUNT STATUS NAME`, one for each status of each person's jobs. */
function peopleIn(text: string): Pick<PoolStatus, 'people'> {
  const people = new Map<string, { idle: number; running: number; held: number }>();
  for (const [, count, status = '', word = ''] of text.matchAll(/^person=(\d+) (\d+) ?(\S*)$/gm)) {
    const name = word === 'owner' ? '' : word;
    const state = states[status];
    if (state === undefined) continue;
    const jobs = people.get(name) ?? { idle: 0, running: 0, held: 0 };
    people.set(name, { ...jobs, [state]: jobs[state] + Number(count) });
  }
  if (people.size === 0) return {};
  return { people: [...people].map(([name, jobs]) => ({ ...(name === '' ? {} : { name }), ...jobs })) };
}

function relaysIn(stdout: string): Pick<PoolStatus, 'relays'> {
  const alive = /^relays=(alive|dead)$/m.exec(stdout)?.[1];
  if (alive === undefined) return {};
  const states = keyValues(stdout).get('relay') ?? [];
  const seen = /^relaysSeen=(\d+)$/m.exec(stdout)?.[1];
  return {
    relays: {
      isAlive: alive === 'alive',
      states: states.map(s => Buffer.from(s, 'base64').toString()),
      ...(seen === undefined ? {} : { seen: Number(seen) }),
    },
  };
}

function glideinsOf(text: string, now: number): PoolGlidein[] {
  return adsOf(text).map(ad => {
    const cpus = listOf<number>(ad.ChildCpus);
    const busy = listOf<string>(ad.ChildActivity).flatMap((activity, n) => (activity === 'Busy' ? [cpus[n] ?? 0] : []));
    return {
      job: ad.ScailfinGlidein ?? '',
      name: ad.Name ?? '',
      bearer: bearerOf(ad.AuthenticatedIdentity ?? ''),
      site: ad.ScailfinSite ?? '',
      node: ad.Machine ?? '',
      cores: ad.TotalSlotCpus ?? 0,
      busy: busy.reduce((sum, n) => sum + n, 0),
      jobs: busy.length,
      memory: ad.TotalSlotMemory ?? 0,
      ends: ad.ScailfinEnds,
      silent: Math.max(0, now - (ad.LastHeardFrom ?? now)),
    };
  });
}

/** The value comes from the machine itself, which may send anything. */
const listOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);

/** `glidein-a1b2c3d4-UNTIL-CORES-MEMORY@DOMAIN`, which HTCondor has verified → `a1b2c3d4`. */
function bearerOf(identity: string): string {
  return /^glidein-([0-9a-f]{8})-/.exec(identity)?.[1] ?? (identity.startsWith('glidein@') ? 'old' : '');
}

/** condor_status -json prints a list of objects; for an empty list it prints nothing. */
function adsOf(text: string): SlotAd[] {
  if (text.trim() === '') return [];
  let ads: unknown;
  try {
    ads = JSON.parse(text);
  } catch {
    // cut off, or not JSON
  }
  if (Array.isArray(ads) && ads.every(ad => typeof ad === 'object' && ad !== null)) return ads;
  throw new ScailfinError("the pool's answer can't be read");
}

/** condor_q -totals: `Total for query: 3 jobs; 0 completed, 0 removed, 3 idle, 0 running, 0 held, 0 suspended`. */
function jobsOf(text: string): PoolStatus['jobs'] {
  const line = /^Total for query: \d+ jobs; .* \d+ suspended\s*$/m.exec(text)?.[0];
  if (!line) return undefined;
  const n = (word: string): number => Number(new RegExp(`(?<!\\d)(\\d+) ${word}`).exec(line)?.[1] ?? 0);
  return { total: n('jobs'), idle: n('idle'), running: n('running'), held: n('held') };
}
