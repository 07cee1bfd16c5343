import type { SiteSpec } from '../cluster/spec.js';
import type { Host } from '../hosts/host.js';
import type { Probe } from '../hosts/probe.js';
import type { SshSettings } from '../hosts/sshconfig.js';
import type { Scheduler } from '../schedulers/scheduler.js';
import type { NodeSize, QueueInfo } from '../schedulers/survey.js';
import type { SiteProfile } from '../sites/schema.js';
import type { NodeReport } from './report.js';

/** A login node, and the hosts on the way to it, itself last. */
export interface Way {
  readonly host: string;
  readonly hops: readonly SshSettings[];
}

export interface ShellFacts {
  readonly user: string;
  readonly home: string;
  readonly shell: string;
  readonly host: string;
  readonly path: string;
  /** Empty where a login shell didn't tell. */
  readonly loginPath: string;
  /** $SCRATCH, where login shells have it. */
  readonly scratch: string;
}

export interface BatchFacts {
  readonly version: string;
  readonly scheduler: Scheduler;
  /** Jobs of an earlier check that still wait or run. */
  readonly left: number;
}

export interface WorkFacts {
  readonly type: string;
  /** MiB. */
  readonly free: number;
}

/** A deep look, as `--json` shows it. */
export interface Found extends NodeReport {
  readonly job: { readonly id: string; readonly queuedSeconds: number };
  /** Seconds that the node's clock is ahead of the login node's, as far as beyond doubt. */
  readonly clockSkew: number;
}

/** Where a pool would be, and a stand-in for it that can be connected to. */
export interface HeadnodeTrial {
  readonly kind: 'local' | 'login' | 'host';
  /** As it is typed: `--headnode NAME`. */
  readonly name: string;
  readonly port: number;
  /** By which the site may reach it, best first; empty where it is the site itself. */
  readonly addresses: readonly string[];
  close(): void;
}

interface Known {
  /** Login nodes whose name, or whose first jump host's, resolves. */
  ways: readonly Way[];
  /** The one that answers. */
  way: Way;
  connecting: Promise<Host>;
  host: Host;
  shell: ShellFacts;
  batch: BatchFacts;
  /** Empty where the batch system has none, or doesn't tell. */
  queues: readonly QueueInfo[];
  /** What jobs may ask of a node, as far as the batch system tells it; only looked at where a profile is to be proposed. */
  node: NodeSize;
  /** The site's own, or what is proposed for a host that has none. */
  profile: SiteProfile;
  spec: SiteSpec;
  probe: Probe;
  work: WorkFacts;
  headnode: HeadnodeTrial;
  found: Found;
}

/** Written by stages as they learn, read by those after them. */
export class Facts {
  readonly #known: Partial<Known> = {};

  learn(facts: Partial<Known>): void {
    Object.assign(this.#known, facts);
  }

  /** @throws TypeError when no stage before has told it: a mistake in the order of stages */
  get<K extends keyof Known>(name: K): Known[K] {
    const value = this.#known[name];
    if (value === undefined) throw new TypeError(`no stage has told the ${name} yet`);
    return value;
  }

  find<K extends keyof Known>(name: K): Known[K] | undefined {
    return this.#known[name];
  }
}
