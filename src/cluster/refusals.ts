import { keyValues } from '../hosts/script.js';
import type { Growth } from '../htcondor/growth.js';
import { inLine } from '../printable.js';
import { type Command, isOver } from '../schedulers/job.js';
import { templateText } from '../templates.js';
import type { GlideinStatus, SiteGlideins } from './glideins.js';
import type { SiteRecord } from './record.js';
import { submissionOf } from './submissions.js';

/** A glide-in that did not join because its node did not pass a check (templates/glidein/check.sh). */
export interface Refusal {
  /** The id of its batch job. */
  readonly job: string;
  readonly node: string;
  /** Which check: `place`, `clock` … */
  readonly check: string;
  /** The node's own words, on one line. */
  readonly reason: string;
  /** What the user can do. */
  readonly hint?: string;
}

/** If so many nodes are unfit and no node is fit, the others will not be fit either. */
export const STOPPING = 3;

const hints: Readonly<Record<string, string>> = {
  place:
    'set directories.local in the site profile to a directory of the nodes where programs can run and 512 MiB are free',
  logs: 'set directories.work in the site profile to a directory that compute nodes can write to, or free some space there',
  payload: 'set directories.work in the site profile to a directory that compute nodes can read',
  machine:
    'choose nodes of the same kind as the login node: another --queue, or scheduler.directives in the site profile',
  library: 'use an HTCondor release built for an older system (htcondor.source: tarball; see `scailfin help settings`)',
  clock: "compare the clock of the headnode with the site's (`date -u`), and report a wrong one",
  headnode:
    "let a relay on the login node carry the pool's traffic: take the cluster down, then the same command with --relay; or choose a headnode that compute nodes reach (--headnode); `scailfin sites check SITE --deep` tests what they reach",
};

/** The command that reads the refusals of a cluster on its site's login node. @param dir the cluster's directory there */
export const refusalsCommand = (dir: string): Command => ({
  argv: ['bash', '--norc', '-c', templateText('site/refused.sh'), 'refused', dir],
});

/**
 * Reads the answer to `refusalsCommand`. The texts come from compute nodes, which may write anything.
 * @returns those of the site's last submission: what was changed since an earlier one is not known to them
 */
export function parseRefusals(stdout: string, site: SiteRecord): Refusal[] {
  const last = site.batches.at(-1)?.token;
  return (keyValues(stdout).get('refused') ?? []).flatMap(text => {
    const values = keyValues(Buffer.from(text, 'base64').toString());
    const one = (key: string, most: number): string => inLine(values.get(key)?.[0] ?? '', most);
    const [job, node, check, reason] = [one('job', 100), one('node', 100), one('check', 30), one('reason', 500)];
    const submission = submissionOf(site, job);
    if (!job || !node || !reason || !submission || submission.token !== last) return [];
    const hint = Object.hasOwn(hints, check) ? hints[check]?.replace('SITE', site.spec.site) : undefined;
    return [{ job, node, check, reason, ...(hint === undefined ? {} : { hint }) }];
  });
}

/**
 * Why a site can bring no glide-ins: so many different nodes were unfit, and it is known that none was fit. A pool that grows
 * by itself decides this on its headnode.
 */
export function whyStopped(site: Refused & { readonly site: string }): string | undefined {
  const { refused = [], glideins, growth } = site;
  if (growth) return growth.stopped && growth.reason !== undefined ? `${site.site}: ${growth.reason}` : undefined;
  const nodes = new Set(refused.map(r => r.node)).size;
  const [first] = refused;
  const jobs = new Set(refused.map(r => r.job));
  // one that ended in another way, or that the pool could not be asked about, may have been in the pool
  const mayBeFit = (g: GlideinStatus): boolean =>
    isOver(g.state) ? g.state !== 'failed' && !jobs.has(g.job) : g.joined !== false;
  if (!first || nodes < STOPPING || glideins.some(mayBeFit)) return undefined;
  return `${nodes} nodes of ${site.site} can't be part of the pool, and none could so far; ${first.node}: ${first.reason}`;
}

type Refused = SiteGlideins & { readonly refused?: readonly Refusal[]; readonly growth?: Growth };
