import { type Fields, hasFields } from '../fields.js';
import type { FrameworkFacts } from '../frameworks/facts.js';
import { isFacts } from '../frameworks/registry.js';
import type { ClusterSpec, SiteSpec } from './spec.js';

/** VC3's states; each comes with a one-sentence reason. */
export type ClusterState =
  | 'new'
  | 'initializing'
  | 'pending'
  | 'running'
  | 'terminating'
  | 'cleanup'
  | 'terminated'
  | 'failed';

/** What is known of a cluster on this machine: the fold of its journal. */
export interface ClusterRecord {
  readonly name: string;
  /** Tells this cluster from another of the same name, made elsewhere or earlier. */
  readonly id: string;
  readonly spec: ClusterSpec;
  readonly state: ClusterState;
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly updated: string;
  readonly sites: readonly SiteRecord[];
  readonly head?: HeadFacts;
  /** What the cluster offers beside its pool, once it was started. */
  readonly framework?: FrameworkFacts;
}

export interface SiteRecord {
  readonly spec: SiteSpec;
  readonly facts?: SiteFacts;
  readonly batches: readonly Batch[];
}

/** Found out on the site when it was first reached. */
export interface SiteFacts {
  /** Absolute, scailfin's directory there. */
  readonly base: string;
  readonly user: string;
  readonly host: string;
}

/** Found out on the headnode when the pool was started. */
export interface HeadFacts {
  readonly base: string;
  readonly host: string;
  readonly user: string;
  /** As sites reach it. */
  readonly address: string;
  readonly port: number;
  readonly bin: string;
  readonly sbin: string;
  readonly version: string;
  /** Why compute nodes can reach all of the user's files there; absent where a fence stands. */
  readonly unfenced?: string;
}

/** One submission: of one batch job, or of an array of them. */
export interface Batch {
  /** `b1`, `b2`, …: also names its files on the site. */
  readonly label: string;
  /** Batch jobs. */
  readonly count: number;
  /** Of each batch job. Absent: one, as in the journals of an older scailfin. */
  readonly nodes?: number;
  /** Empty while it is only intended. */
  readonly jobIds: readonly string[];
  readonly outcome: 'intended' | 'submitted' | 'refused';
  /** The label of the submission whose token its glide-ins come by. Absent: one that an older scailfin gave all alike. */
  readonly token?: string;
}

/** One line of the journal. `intent` lines precede what they announce, and only tell a reader what was under way. */
export type Entry = { readonly at: string } & (
  | { readonly type: 'created'; readonly id: string; readonly spec: ClusterSpec }
  | { readonly type: 'state'; readonly state: ClusterState; readonly reason: string }
  | { readonly type: 'site'; readonly site: SiteSpec }
  | { readonly type: 'site-facts'; readonly name: string; readonly facts: SiteFacts }
  | { readonly type: 'head'; readonly head: HeadFacts }
  | { readonly type: 'framework'; readonly framework: FrameworkFacts }
  | { readonly type: 'batch'; readonly name: string; readonly batch: Batch }
  | { readonly type: 'intent'; readonly what: string }
);

/** Whether a value has what any entry of its type has, as deep as a record is built from it. */
export function isEntry(value: unknown): value is Entry {
  if (!hasFields(value, { type: 'string', at: 'string' })) return false;
  switch (value.type) {
    case 'created':
      return hasFields(value, {
        id: 'string',
        spec: { name: 'string', headnode: { kind: 'string' }, htcondor: 'object' },
      });
    case 'state':
      return hasFields(value, { state: 'string', reason: 'string' });
    case 'site':
      return hasFields(value, {
        site: { site: 'string', nodes: 'number', walltime: 'number', profile: profileFields },
      });
    case 'site-facts':
      return hasFields(value, { name: 'string', facts: { base: 'string', user: 'string', host: 'string' } });
    case 'head':
      return hasFields(value, {
        head: { base: 'string', host: 'string', user: 'string', bin: 'string', sbin: 'string' },
      });
    case 'framework':
      return isFacts(value.framework);
    case 'batch':
      return hasFields(value, { name: 'string', batch: { label: 'string', count: 'number', jobIds: 'array' } });
    default:
      return true;
  }
}

const profileFields: Fields = {
  ...{ name: 'string', title: 'string', scheduler: { type: 'string' }, queues: 'object', directories: 'object' },
  ...{ node: 'object', network: 'object', containers: 'array', notes: 'array' },
};

/** @returns undefined when the journal does not begin with a cluster */
export function fold(entries: readonly Entry[]): ClusterRecord | undefined {
  return entries.reduce<ClusterRecord | undefined>(after, undefined);
}

/** The record as one more entry makes it. */
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
    };
  }
  if (!record) return undefined;
  const now = { ...record, updated: entry.at };
  switch (entry.type) {
    case 'state':
      return { ...now, state: entry.state, reason: entry.reason };
    case 'head':
      return { ...now, head: entry.head };
    case 'framework':
      return { ...now, framework: entry.framework };
    case 'site':
      return withSite(now, entry.site.site, old => ({ batches: [], ...old, spec: entry.site }));
    case 'site-facts':
      return withSite(now, entry.name, old => old && { ...old, facts: entry.facts });
    case 'batch':
      return withSite(now, entry.name, old => old && { ...old, batches: replace(old.batches, entry.batch) });
    case 'intent':
      return now;
    // a newer version may have written what this one has no word for
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
