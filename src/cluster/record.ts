import { type Fields, hasFields } from '../fields.js';
import { type FrameworkFacts, type FrameworkSpec, withNamed } from '../frameworks/facts.js';
import { isFacts } from '../frameworks/registry.js';
import type { Machine } from '../hosts/machine.js';
import type { ClusterSpec, SiteSpec } from './spec.js';

/** VC3's states; each comes with a reason in one sentence. */
export type ClusterState =
  | 'new'
  | 'initializing'
  | 'pending'
  | 'running'
  | 'terminating'
  | 'cleanup'
  | 'terminated'
  | 'failed';

/** What this machine knows about a cluster: the result of reading its journal. */
export interface ClusterRecord {
  readonly name: string;
  /** Distinguishes this cluster from another one with the same name. */
  readonly id: string;
  readonly spec: ClusterSpec;
  readonly state: ClusterState;
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly updated: string;
  readonly sites: readonly SiteRecord[];
  readonly head?: HeadFacts;
  /** The headnode's machine: recorded before anything is started there. Absent: an older scailfin did not record it. */
  readonly machine?: Machine;
  /** What the cluster offers in addition to its pool, as far as it was started. */
  readonly frameworks: readonly FrameworkFacts[];
}

export interface SiteRecord {
  readonly spec: SiteSpec;
  readonly facts?: SiteFacts;
  readonly batches: readonly Batch[];
}

/** The facts found when the site was first reached. */
export interface SiteFacts {
  /** Absolute; scailfin's directory at the site. */
  readonly base: string;
  readonly user: string;
  readonly host: string;
  /** The machine that answered last. If a machine knows only its own jobs, no other one is asked from then on. */
  readonly machine?: Machine;
}

/** The facts found on the headnode when the pool was started. */
export interface HeadFacts {
  readonly base: string;
  readonly host: string;
  readonly user: string;
  /** The address by which sites reach it. */
  readonly address: string;
  readonly port: number;
  readonly bin: string;
  readonly sbin: string;
  readonly version: string;
  /** Why compute nodes can reach all of the user's files on the headnode; absent if there is a fence. */
  readonly unfenced?: string;
  /** Glide-ins reach the pool through relays on their login nodes; `address` is a loopback address. */
  readonly relay?: true;
}

/** One submission: one batch job, or an array of them. */
export interface Batch {
  /** `b1`, `b2`, …; also part of the names of its files on the site. */
  readonly label: string;
  /** Number of batch jobs. */
  readonly count: number;
  /** Nodes of each batch job. Absent: one, as in the journals of an older scailfin. */
  readonly nodes?: number;
  /** Empty as long as the submission is only intended. */
  readonly jobIds: readonly string[];
  /** `ended`: its jobs are over by the batch system's word, and `down` has verified that. */
  readonly outcome: 'intended' | 'submitted' | 'refused' | 'ended';
  /**
   * The label of the submission whose token its glide-ins use. Absent: the token that an older scailfin gave to all
   * glide-ins.
   */
  readonly token?: string;
}

/**
 * The form of a cluster's journal and of its files. An older scailfin refuses a newer form, so this grows only when an older one
 * would do something wrong: entries, fields and files that it may leave alone need no new form. A newer scailfin takes all older ones.
 */
export const FORMAT = 2;

/** One line of the journal. `intent` lines come before what they announce; they only show a reader what was under way. */
export type Entry = { readonly at: string } & (
  | {
      readonly type: 'created';
      readonly id: string;
      readonly spec: ClusterSpec;
      /** The form of the entries; absent: 1. 2: a list of frameworks. See `FORMAT`. */
      readonly format?: number;
    }
  | { readonly type: 'state'; readonly state: ClusterState; readonly reason: string }
  | { readonly type: 'site'; readonly site: SiteSpec }
  | { readonly type: 'site-facts'; readonly name: string; readonly facts: SiteFacts }
  | { readonly type: 'machine'; readonly machine: Machine }
  | { readonly type: 'head'; readonly head: HeadFacts }
  | { readonly type: 'framework'; readonly framework: FrameworkFacts }
  // the settings of a framework after a further request, which may be the first that asks for it
  | { readonly type: 'asked'; readonly framework: FrameworkSpec }
  | { readonly type: 'batch'; readonly name: string; readonly batch: Batch }
  | { readonly type: 'intent'; readonly what: string }
);

/** Whether a value has the fields of its entry type, as deep as they are used for a record. */
export function isEntry(value: unknown): value is Entry {
  if (!hasFields(value, { type: 'string', at: 'string' })) return false;
  switch (value.type) {
    case 'created':
      return hasFields(value, {
        id: 'string',
        spec: { name: 'string', headnode: { kind: 'string' }, htcondor: 'object', frameworks: 'array' },
      });
    case 'state':
      return hasFields(value, { state: 'string', reason: 'string' });
    case 'site':
      return hasFields(value, {
        site: { site: 'string', nodes: 'number', walltime: 'number', profile: profileFields },
      });
    case 'site-facts':
      return (
        hasFields(value, { name: 'string', facts: { base: 'string', user: 'string', host: 'string' } }) &&
        (!hasFields(value, { facts: { machine: 'object' } }) || hasFields(value, { facts: { machine: machineFields } }))
      );
    case 'machine':
      return hasFields(value, { machine: machineFields });
    case 'head':
      return hasFields(value, {
        head: { base: 'string', host: 'string', user: 'string', bin: 'string', sbin: 'string' },
      });
    case 'framework':
      return isFacts(value.framework);
    case 'asked':
      return hasFields(value, { framework: { name: 'string' } });
    case 'batch':
      return hasFields(value, { name: 'string', batch: { label: 'string', count: 'number', jobIds: 'array' } });
    default:
      return true;
  }
}

const machineFields: Fields = { name: 'string', boot: 'string' };

const profileFields: Fields = {
  ...{ name: 'string', title: 'string', scheduler: { type: 'string' }, queues: 'object', directories: 'object' },
  ...{ node: 'object', network: 'object', containers: 'array', notes: 'array' },
};

/** @returns undefined if the journal does not begin with a cluster */
export function fold(entries: readonly Entry[]): ClusterRecord | undefined {
  return entries.reduce<ClusterRecord | undefined>(after, undefined);
}

/** The record after one more entry. */
export function after(record: ClusterRecord | undefined, entry: Entry): ClusterRecord | undefined {
  if (entry.type === 'created') {
    const { id, spec, at } = entry;
    return {
      name: spec.name,
      id,
      spec,
      state: 'new',
      reason: 'Nothing has been done yet.',
      created: at,
      updated: at,
      sites: [],
      frameworks: [],
    };
  }
  if (!record) return undefined;
  const now = { ...record, updated: entry.at };
  switch (entry.type) {
    case 'state':
      return { ...now, state: entry.state, reason: entry.reason };
    case 'head':
      return { ...now, head: entry.head };
    case 'machine':
      return { ...now, machine: entry.machine };
    case 'framework':
      return { ...now, frameworks: withNamed(now.frameworks, [entry.framework]) };
    case 'asked':
      return { ...now, spec: { ...now.spec, frameworks: withNamed(now.spec.frameworks, [entry.framework]) } };
    case 'site':
      return withSite(now, entry.site.site, old => ({ batches: [], ...old, spec: entry.site }));
    case 'site-facts':
      return withSite(now, entry.name, old => old && { ...old, facts: entry.facts });
    case 'batch':
      return withSite(now, entry.name, old => old && { ...old, batches: replace(old.batches, entry.batch) });
    case 'intent':
      return now;
    // a newer version may have written entries that this version does not know
    default:
      return record;
  }
}

function withSite(
  record: ClusterRecord,
  name: string,
  change: (old: SiteRecord | undefined) => SiteRecord | undefined,
): ClusterRecord {
  const changed = change(record.sites.find(s => s.spec.site === name));
  if (!changed) return record;
  const others = record.sites.some(s => s.spec.site === name)
    ? record.sites.map(s => (s.spec.site === name ? changed : s))
    : [...record.sites, changed];
  return { ...record, sites: others };
}

function replace(batches: readonly Batch[], batch: Batch): Batch[] {
  return [...batches.filter(b => b.label !== batch.label), batch];
}
