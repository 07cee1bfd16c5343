import { messageOf, ScailfinError, withHint } from '../errors.js';
import { forgetSecrets } from '../frameworks/registry.js';
import type { Host } from '../hosts/host.js';
import type { Machine } from '../hosts/machine.js';
import { probe } from '../hosts/probe.js';
import { noteEnded } from '../htcondor/ended.js';
import { makeToken } from '../htcondor/tokens.js';
import { formatBytes } from '../units.js';
import {
  type Context,
  isForeign,
  jobQuery,
  knownIds,
  newId,
  recordOf,
  type Site,
  siteDir,
  siteRecord,
} from './context.js';
import { dependences, jobProxy, placeProxy, requireLasting } from './credentials.js';
import { step } from './events.js';
import { bringUpFrameworks, frameworksChanged } from './framework.js';
import { lockCluster, onlyWaits, worksAgain } from './lock.js';
import { foundOn } from './machines.js';
import type { ClusterRecord } from './record.js';
import { removeSite, takeDownHead } from './removal.js';
import { checkSame } from './same.js';
import type { ClusterSpec, SiteSpec } from './spec.js';
import type { ClusterStatus } from './status.js';
import { growAt } from './steps/bosco.js';
import { connectHead, connectSite, type Head } from './steps/connect.js';
import { submitGlideins, tokenPlan } from './steps/glideins.js';
import { bringUpPool } from './steps/headnode.js';
import { stagePayload } from './steps/payload.js';
import { LostJobsError, waitForGlideins } from './steps/ready.js';
import { keepBeforehand, openRelay } from './steps/relay.js';
import { takeDownSite } from './takedown.js';

export interface UpOptions {
  /** How many glide-ins to wait for; 0 means no waiting. */
  readonly wait: number;
  /** Seconds. */
  readonly timeout: number;
}

/**
 * Starts a cluster, or finishes starting it, or finds it running. A failure before the first submission is undone; after
 * a later failure, everything stays, and the same command continues.
 * @returns the cluster once its glide-ins have joined; undefined if it was not to be waited for
 * @throws UsageError if a cluster of that name has other settings, and all errors of the steps
 */
export async function up(
  context: Context,
  spec: ClusterSpec,
  site: SiteSpec,
  options: UpOptions,
): Promise<ClusterStatus | undefined> {
  const release = lockCluster(context.journal, 'up');
  try {
    requireLasting(dependences(spec, [site]));
    const fresh = begin(context, spec, site);
    await raise(context, site, site.nodes, fresh);
    context.journal.append({ type: 'state', ...afterSubmission(site) });
    if (options.wait === 0) return undefined;
    onlyWaits(context.journal.dir);
    const status = await waitAndReplace(context, site, options);
    context.journal.append({ type: 'state', state: 'running', reason: 'Glide-ins have joined.' });
    return { ...status, state: 'running' };
  } finally {
    release();
  }
}

/** How often lost jobs are replaced while glide-ins are waited for: nodes that fail again and again are a matter for a person. */
const REPLACEMENTS = 3;

/** Waits for glide-ins, and replaces those whose nodes fail meanwhile. */
async function waitAndReplace(context: Context, site: SiteSpec, options: UpOptions): Promise<ClusterStatus> {
  const { wait: target, timeout } = options;
  const title = `Waiting for ${target} glide-in${target === 1 ? '' : 's'} to join`;
  const wait = { target, site: site.site, began: Date.now(), timeout };
  for (let left = REPLACEMENTS; ; left--) {
    try {
      return await step(context.sink, title, () => waitForGlideins(context, wait));
    } catch (error) {
      if (!(error instanceof LostJobsError) || left === 0) throw error;
      context.sink({ type: 'warning', text: `${error.message}; what is missing is submitted again` });
    }
    const done = worksAgain(context.journal, 'up');
    try {
      await raise(context, site, site.nodes, false);
    } finally {
      done();
    }
  }
}

/** The state of a cluster whose glide-ins are not waited for. */
export function afterSubmission({ submit, min }: SiteSpec): Pick<ClusterRecord, 'state' | 'reason'> {
  if (submit !== 'bosco') return { state: 'pending', reason: 'Glide-ins have been submitted.' };
  return { state: min ? 'pending' : 'running', reason: 'The headnode submits glide-ins by itself, as jobs wait.' };
}

/** Records the cluster in its journal, or checks that it is the recorded one. @returns whether it is new */
function begin({ journal }: Context, spec: ClusterSpec, site: SiteSpec): boolean {
  const record = journal.record;
  // one without a site was killed before it had begun anything
  if (record && record.state !== 'terminated' && record.sites.length > 0) {
    checkSame(record, spec, site);
    for (const framework of frameworksChanged(record, spec.frameworks)) journal.append({ type: 'asked', framework });
    return false;
  }
  journal.append({ type: 'created', id: newId(), spec });
  journal.append({ type: 'site', site });
  journal.append({ type: 'state', state: 'initializing', reason: 'The headnode and the site are being set up.' });
  return true;
}

/**
 * The steps: site, headnode, pool, frameworks, payload, glide-ins. Each step finds what is there and does what is missing.
 * @param fresh the cluster began with this run: after a failure before the submission, everything is removed
 */
export async function raise(context: Context, spec: SiteSpec, target: number, fresh: boolean): Promise<number> {
  const { sink } = context;
  const begun: { site?: Site; head?: Head } = {};
  const jobs = (): string[] => knownIds(siteRecord(recordOf(context), spec.site));
  const before = jobs();
  const newJobs = (): string[] => jobs().filter(id => !before.includes(id));
  try {
    const { there, here } = await step(
      sink,
      `Connecting to ${spec.profile.login ? spec.profile.login.hosts[0] : 'this machine'}`,
      async () => {
        await keepBeforehand(context, spec);
        const there = await connectSite(context, spec);
        begun.site = there;
        const here = await connectHead(context, there);
        begun.head = here;
        return { there, here };
      },
      ({ there, here }) => `as ${there.probe.user}${here.host === there.host ? '' : `; headnode is ${here.host.name}`}`,
    );
    const pool = await step(
      sink,
      'Starting the pool',
      () => bringUpPool(context, there, here),
      p => `HTCondor ${p.version} on ${p.address}:${p.port}`,
    );
    if (pool.unfenced !== undefined) sink({ type: 'warning', text: unfencedText(here.host.name, pool.unfenced) });
    await bringUpFrameworks(context, here, pool);
    const payload = await step(
      sink,
      'Staging the payload',
      () => stagePayload(context, there, here, pool),
      p => `${formatBytes(p.bytes)}, ${p.staged}`,
    );
    if (pool.isRelayed)
      await step(
        sink,
        `Opening the relay on ${there.host.name}`,
        () => openRelay(context, there, here, pool),
        state => `compute nodes reach the pool at ${state.at}`,
      );
    return await step(
      sink,
      spec.submit === 'bosco' ? `Letting the pool grow at ${spec.site}` : `Submitting glide-ins to ${spec.site}`,
      async () => {
        const { spec: cluster, name } = recordOf(context);
        // a credential that was valid at the start may have ended meanwhile
        requireLasting(dependences(cluster, [spec]));
        if (cluster.proxy) {
          const proxy = await jobProxy(cluster.proxy);
          await placeProxy(there.host, siteDir(there.probe.base, name), proxy);
          await placeProxy(here.host, pool.plan.dir, proxy);
        }
        const { address, port } = pool;
        const settings = {
          ...{ cluster: name, address, port, trustDomain: pool.plan.trustDomain },
          ...{ payload: payload.dir, payloadGlibc: payload.glibc, payloadArch: payload.arch },
          isRelayed: pool.isRelayed,
        };
        if (spec.submit !== 'bosco')
          return submitGlideins(
            ...([context, there, settings] as const),
            {
              makeToken: label => makeToken(here.host, pool.plan.dir, tokenPlan(spec, label)),
              noteEnded: ids => noteEnded(here.host, pool.plan.dir, spec.site, ids),
            },
            target,
          );
        await growAt(context, there, here, pool, settings);
        return 0;
      },
      n =>
        spec.submit === 'bosco'
          ? `by BOSCO: ${spec.min ?? 0} to ${spec.nodes}, as jobs need them`
          : n === 0
            ? 'all there already'
            : `${n} submitted as job ${newJobs().join(', ')}`,
    );
  } catch (error) {
    if (!fresh || !mayUndo(context) || (await undo(context, begun, error))) throw error;
    if (!(error instanceof ScailfinError)) throw error;
    // the same command would be refused now
    const next = error.hint ?? 'run the same command again';
    throw withHint(error, `first take down what is left: scailfin down ${recordOf(context).name}; then: ${next}`);
  }
}

const unfencedText = (host: string, why: string): string =>
  `there is no fence on ${host}: whoever controls a compute node, or a step without a container, can read and write all files ` +
  `of your account there. ${why.replace(/[;.]+$/, '')}. ` +
  'To refuse such headnodes: `scailfin config set fence required`';

/** Whether nothing was submitted, and nothing may have been. */
function mayUndo(context: Context): boolean {
  return recordOf(context).sites.every(s => s.batches.every(b => b.outcome === 'refused'));
}

/** @returns whether nothing is left */
async function undo(context: Context, { site, head }: { site?: Site; head?: Head }, cause: unknown): Promise<boolean> {
  const record = recordOf(context);
  const { name } = record;
  // another user may have taken the name first
  const isOurs = async (host: Host, base: string) => !isForeign((await probe(host, base, name)).owner, record);
  const reason = `It did not come up: ${messageOf(cause).split('\n')[0]}`;
  if (!site) {
    context.journal.append({ type: 'state', state: 'terminated', reason });
    return true;
  }
  const submitted = siteRecord(record, site.spec.site)?.batches.length;
  // from here on, the site refuses submissions of this cluster
  if (submitted) context.journal.append({ type: 'state', state: 'terminating', reason });
  try {
    await step(context.sink, 'Undoing what was done', async () => {
      const { host, scheduler, probe: at, spec } = site;
      const query = jobQuery(name, at, [], spec);
      const on = (machine: Machine): Host => foundOn(context.connections, host, name, machine);
      const there = { host, on, scheduler, cluster: name, base: at.base, query, onProgress: () => {} };
      if (submitted) await takeDownSite(there);
      else if (await isOurs(host, at.base)) await removeSite(host, at.base, name);
      if (head && (await isOurs(head.host, head.probe.base)))
        await takeDownHead(head.host, head.probe.base, name, () => {});
    });
    context.journal.append({ type: 'state', state: 'terminated', reason });
    forgetSecrets(context.journal.dir);
    return true;
  } catch (error) {
    context.journal.append({ type: 'state', state: 'failed', reason });
    context.sink({
      type: 'warning',
      text: `could not undo everything: ${messageOf(error)}; to try again: \`scailfin down ${name}\``,
    });
    return false;
  }
}
