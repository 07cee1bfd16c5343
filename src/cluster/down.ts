import { LeftoverError, messageOf, UsageError } from '../errors.js';
import { forgetSecrets } from '../frameworks/registry.js';
import type { Host } from '../hosts/host.js';
import { defaultWork, type Probe, probe } from '../hosts/probe.js';
import { schedulerFor } from '../schedulers/registry.js';
import { type Context, isForeign, jobQuery, knownIds } from './context.js';
import { step } from './events.js';
import { checkKnown } from './framework.js';
import { lock } from './lock.js';
import type { ClusterRecord, SiteFacts } from './record.js';
import { type ClusterSpec, headnodeName, type SiteSpec, tagOf } from './spec.js';
import { stopGrowth } from './steps/bosco.js';
import { removeSite, takeDownHead, takeDownSite } from './takedown.js';
import { closeTunnel } from './tunnel.js';

/** What to take down if this machine has no record: the site by its profile, the headnode by the usual rules. */
export interface Lost {
  readonly spec: ClusterSpec;
  readonly site: SiteSpec;
}

export interface DownResult {
  readonly name: string;
  /** Number of jobs that had to be cancelled. */
  readonly cancelled: number;
  readonly verified: readonly string[];
  /** What may remain, with `forget`. */
  readonly left: readonly string[];
}

/**
 * Takes a cluster down and verifies each part: jobs by the batch system's own answer, processes, files. Continues after
 * hosts that can't be reached, and may be repeated any number of times.
 * @param lost needed if the journal has no such cluster
 * @param forget removes the cluster's record even if a part can't be verified, for example because a host no longer
 * exists
 * @throws LeftoverError naming what may remain and where; UsageError if neither journal nor `lost` say where to look
 */
export async function down(context: Context, lost: Lost | undefined, forget = false): Promise<DownResult> {
  const { journal, sink, connections } = context;
  const record = lost ? undefined : journal.record;
  const { name } = journal;
  if (!record && !lost) {
    throw new UsageError(`this machine knows no cluster called ${name}`, {
      hint: `to list the known clusters: scailfin list --all; if it ran at a site: scailfin down ${name} --site SITE`,
    });
  }
  if (record && !forget) checkKnown(record);
  const release = lock(journal.dir, `scailfin down ${name}`);
  closeTunnel(journal.dir);
  const left: string[] = [];
  const verified: string[] = [];
  let cancelled = 0;
  const onProgress = (detail: string): void => sink({ type: 'progress', detail });
  const part = async (title: string, what: string, work: () => Promise<string>): Promise<void> => {
    try {
      verified.push(`${title}: ${await step(sink, title, work)}`);
    } catch (error) {
      left.push(...(error instanceof LeftoverError ? error.left : [`${what}: ${firstLine(error)}`]));
      if (error instanceof LeftoverError) sink({ type: 'warning', text: firstLine(error) });
    }
  };
  try {
    if (record) journal.append({ type: 'state', state: 'terminating', reason: 'Glide-ins are being cancelled.' });
    const sites: SiteToClear[] = lost
      ? [{ spec: lost.site, facts: undefined, ids: [], submitted: true }]
      : (record?.sites ?? []).map(s => ({
          spec: s.spec,
          facts: s.facts,
          ids: knownIds(s),
          submitted: s.batches.length > 0,
        }));
    const bases = new Map<Host, string>();
    const looked: Probe[] = [];
    const heads = new Map<string, { host: () => Promise<Host>; base: string | undefined }>();
    await endGrowth(context, record);
    for (const site of sites) {
      const where = site.spec.profile.login?.hosts[0] ?? 'this machine';
      await part(
        `Cancelling the glide-ins at ${site.spec.site}`,
        `jobs called ${tagOf(name)} and files on ${where}`,
        async () => {
          const host = await connections.site(site.spec);
          const found =
            site.submitted && site.facts
              ? undefined
              : await probe(host, site.spec.profile.directories.work ?? defaultWork, name);
          const facts = (found ?? site.facts) as { base: string; user: string };
          bases.set(host, facts.base);
          if (found) looked.push(found);
          if (record && isForeign(found?.owner, record)) return notOurs;
          if (!site.submitted) {
            await removeSite(host, facts.base, name);
            return 'nothing was submitted; no file remains';
          }
          if (lost && found?.pool) {
            heads.set(host.name, { host: async () => host, base: facts.base });
            await stopGrowth(name, host, facts.base);
          }
          const scheduler = schedulerFor(site.spec.profile.scheduler.type);
          const query = jobQuery(name, facts, site.ids, site.spec);
          const n = await takeDownSite({ host, scheduler, cluster: name, base: facts.base, query, onProgress });
          cancelled += n;
          if (record) endBatches(context, site.spec.site);
          return `${n === 0 ? 'none was left' : `${n} cancelled`}; no job and no file remains`;
        },
      );
    }
    for (const { label, host, base } of headnodes(context, lost, heads)) {
      await part(`Stopping the pool on ${label}`, `the pool's processes and files on ${label}`, async () => {
        const there = await host();
        if (base) await takeDownHead(there, base, name, onProgress);
        else {
          // killed before the pool was recorded: if the site's login node is the headnode, the pool is beside the site's
          // files
          const found = await probe(there, bases.get(there) ?? defaultWork, name);
          looked.push(found);
          if (record && isForeign(found.owner, record)) return notOurs;
          await takeDownHead(there, found.base, name, onProgress);
        }
        return 'no process and no file remains';
      });
    }
    if (lost) left.push(...poolElsewhere(looked));
    if (left.length > 0 && forget) {
      const reason = `It was forgotten; this may remain: ${left.join('; ')}`;
      if (record) journal.append({ type: 'state', state: 'terminated', reason });
      forgetSecrets(journal.dir);
      return { name, cancelled, verified, left };
    }
    if (left.length > 0) {
      if (record) journal.append({ type: 'state', state: 'failed', reason: `It may not be all gone: ${left[0]}` });
      throw new LeftoverError(`${name} may not be all gone:`, left, {
        hint: `once it can be reached again: scailfin down ${name}${lost ? ` --site ${lost.site.site}` : ''}; if it no longer exists: scailfin down ${name} --forget`,
      });
    }
    if (record)
      journal.append({ type: 'state', state: 'terminated', reason: 'It was taken down, and nothing of it remains.' });
    forgetSecrets(journal.dir);
    return { name, cancelled, verified, left };
  } finally {
    release();
  }
}

/**
 * Stops submissions before jobs are looked for. If the headnode can't be reached, the site's side is still closed before
 * its jobs are counted.
 */
async function endGrowth({ connections, journal, sink }: Context, record: ClusterRecord | undefined): Promise<void> {
  const head = record?.head;
  if (!head || !record.sites.some(s => s.spec.submit === 'bosco')) return;
  try {
    await step(sink, 'Stopping the submission of glide-ins', async () => {
      const host = await connections.head(record.spec.headnode, record.sites[0]?.spec);
      await stopGrowth(journal.name, host, head.base);
    });
  } catch (error) {
    sink({ type: 'warning', text: `the headnode may still try to submit: ${firstLine(error)}` });
  }
}

/** Once verified, the jobs' ends are not asked for again: the batch system may have forgotten them by then. */
function endBatches({ journal }: Context, name: string): void {
  for (const batch of journal.record?.sites.find(s => s.spec.site === name)?.batches ?? [])
    journal.append({ type: 'batch', name, batch: { ...batch, outcome: 'ended' } });
}

const notOurs = 'another cluster has that name there; nothing of this cluster was started';

interface SiteToClear {
  readonly spec: SiteSpec;
  readonly facts: SiteFacts | undefined;
  readonly ids: readonly string[];
  /** There may be jobs. */
  readonly submitted: boolean;
}

interface HeadToStop {
  readonly label: string;
  readonly host: () => Promise<Host>;
  readonly base: string | undefined;
}

/**
 * Without a record, nothing tells where the headnode is but the glide-ins' own settings: a pool that was found on none of the
 * hosts is not gone.
 * @param looked what the hosts said before anything was removed there
 */
function poolElsewhere(looked: readonly Probe[]): string[] {
  if (looked.some(host => host.pool !== undefined)) return [];
  const known = looked.flatMap(host => [...host.addresses, ...(host.ssh ? [host.ssh.server] : [])]);
  const away = new Set(
    looked.flatMap(host => host.serves ?? []).filter(at => !at.startsWith('127.') && !known.includes(at)),
  );
  const hosts = looked.map(host => host.host).join(' and ');
  return [...away].map(at => `the pool at ${at}, which is not on ${hosts}: add --headnode [user@]HOST`);
}

/**
 * The recorded headnode; without a record: the one by the usual rules, this machine, and every host where a pool was
 * seen.
 */
function headnodes(
  context: Context,
  lost: Lost | undefined,
  seen: Map<string, { host: () => Promise<Host>; base: string | undefined }>,
): HeadToStop[] {
  const { connections, journal } = context;
  const record = lost ? undefined : journal.record;
  const stops: HeadToStop[] = [...seen].map(([label, { host, base }]) => ({ label, host, base }));
  const add = (spec: ClusterSpec['headnode'], home: SiteSpec | undefined, base: string | undefined): void => {
    stops.push({ label: labelOf(spec, home), host: () => connections.head(spec, home), base });
  };
  if (record) add(record.spec.headnode, record.sites[0]?.spec, record.head?.base);
  else if (lost) {
    add(lost.spec.headnode, lost.site, undefined);
    if (lost.spec.headnode.kind !== 'local') add({ kind: 'local' }, undefined, undefined);
  }
  return stops;
}

function labelOf(spec: ClusterSpec['headnode'], home: SiteSpec | undefined): string {
  if (spec.kind === 'local') return 'this machine';
  return spec.kind === 'login' ? (home?.profile.login?.hosts[0] ?? 'the login node') : headnodeName(spec);
}

const firstLine = (error: unknown): string => messageOf(error).split('\n')[0] ?? '';
