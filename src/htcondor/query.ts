import { ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';
import { type Growth, parseGrowth } from './growth.js';
import { parseTokens, type TokenFacts } from './tokens.js';

/** What the pool says of itself, in one round trip. */
export interface PoolStatus {
  /** `none`: its files are not there; `dead`: its processes are not. */
  readonly pool: 'alive' | 'dead' | 'none';
  readonly glideins: readonly PoolGlidein[];
  /** All that were ever made for glide-ins. */
  readonly tokens: readonly TokenFacts[];
  readonly jobs:
    | { readonly idle: number; readonly running: number; readonly held: number; readonly total: number }
    | undefined;
  /** REANA's edge, where the cluster has one. */
  readonly edge?: 'alive' | 'dead';
  /** Of the sites at which the pool grows by itself. */
  readonly growth?: readonly Growth[];
}

/** A glide-in as the collector knows it. */
export interface PoolGlidein {
  /** The id of the batch job that brought it, as the scheduler names it; what the machine says. */
  readonly job: string;
  /** In the pool: `slot1@7_1.a1b2c3d4@c1`. */
  readonly name: string;
  /** Whose token it came by, which the collector saw: the id of a submission, `old` of an older scailfin's, or ``. */
  readonly bearer: string;
  readonly site: string;
  readonly node: string;
  readonly cores: number;
  /** Cores on which a job runs. */
  readonly busy: number;
  readonly jobs: number;
  /** MiB. */
  readonly memory: number;
  /** When it leaves at the latest, Unix time. */
  readonly ends: number | undefined;
  /** Seconds since it was last heard; a live one is heard every 20 s. */
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

/** @param dir the pool's directory there @throws ScailfinError when the pool lives but can't be asked: *unknown*, not *gone* */
export async function queryPool(host: Host, dir: string): Promise<PoolStatus> {
  const { stdout, stderr } = await runScript(host, poolScript(), [dir], {
    timeoutMs: 75_000,
  });
  return parsePool(stdout, stderr);
}

/** What prints the pool's state: `pool-query DIR`. */
export const poolScript = (): string =>
  `${templateText('headnode/token-list.sh')}\n${templateText('headnode/pool-query.sh')}`;

/** Reads what `pool-query` prints. */
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

/** A machine says of itself what it likes. */
const listOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);

/** `glidein-a1b2c3d4-UNTIL-CORES-MEMORY@DOMAIN`, which HTCondor vouches for → `a1b2c3d4`. */
function bearerOf(identity: string): string {
  return /^glidein-([0-9a-f]{8})-/.exec(identity)?.[1] ?? (identity.startsWith('glidein@') ? 'old' : '');
}

/** condor_status -json prints a list of objects, or nothing at all for none. */
function adsOf(text: string): SlotAd[] {
  if (text.trim() === '') return [];
  let ads: unknown;
  try {
    ads = JSON.parse(text);
  } catch {
    // cut, or no JSON
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
