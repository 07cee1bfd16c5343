import type { SiteSpec } from '../cluster/spec.js';
import type { Host } from '../hosts/host.js';
import type { Probe } from '../hosts/probe.js';
import type { SshSettings } from '../hosts/sshconfig.js';
import type { Scheduler } from '../schedulers/scheduler.js';
import type { NodeSize, QueueInfo } from '../schedulers/survey.js';
import type { SiteProfile } from '../sites/schema.js';
import type { NodeReport } from './report.js';

/** A login node, and the hosts on the way to it, the login node last. */
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
  /** Empty if a login shell did not report it. */
  readonly loginPath: string;
  /** $SCRATCH, if login shells have it. */
  readonly scratch: string;
}

export interface BatchFacts {
  readonly version: string;
  readonly scheduler: Scheduler;
  /** Number of queued or running jobs of an earlier check. */
  readonly left: number;
}

export interface WorkFacts {
  readonly type: string;
  /** MiB. */
  readonly free: number;
}

/** The result of --deep, as `--json` shows it. */
export interface Found extends NodeReport {
  readonly job: { readonly id: string; readonly queuedSeconds: number };
  /** How many seconds the node's clock is ahead of the login node's, as far as this is certain. */
  readonly clockSkew: number;
}

/** The place where a pool would be, and a stand-in for it to which connections can be made. */
export interface HeadnodeTrial {
  readonly kind: 'local' | 'login' | 'host';
  /** The name for `--headnode NAME`. */
  readonly name: string;
  readonly port: number;
  /** The addresses by which the site may reach it, the best first; empty if it is the site itself. */
  readonly addresses: readonly string[];
  close(): void;
}

interface Known {
  /** Login nodes whose name resolves, or whose first jump host's name does. */
  ways: readonly Way[];
  /** The login node that answers. */
  way: Way;
  connecting: Promise<Host>;
  host: Host;
  shell: ShellFacts;
  batch: BatchFacts;
  /** Empty if the batch system has none, or does not list them. */
  queues: readonly QueueInfo[];
  /** What jobs may ask of a node, as far as the batch system reports it; only needed for a proposed profile. */
  node: NodeSize;
  /** The site's own profile, or the proposed one for a host without one. */
  profile: SiteProfile;
  spec: SiteSpec;
  probe: Probe;
  work: WorkFacts;
  headnode: HeadnodeTrial;
  found: Found;
}

/** Facts that stages find, for the stages after them. */
export class Facts {
  readonly #known: Partial<Known> = {};

  learn(facts: Partial<Known>): void {
    Object.assign(this.#known, facts);
  }

  /** @throws TypeError if no earlier stage has found it: an error in the order of stages */
  get<K extends keyof Known>(name: K): Known[K] {
    const value = this.#known[name];
    if (value === undefined) throw new TypeError(`no stage has told the ${name} yet`);
    return value;
  }

  find<K extends keyof Known>(name: K): Known[K] | undefined {
    return this.#known[name];
  }
}
