import type { Duplex } from 'node:stream';
import type { Headnode, Part } from '../headnode/component.js';
import type { Installed } from '../headnode/installed.js';
import type { RunningPool } from '../htcondor/pool.js';
import type { PoolStatus } from '../htcondor/query.js';
import type { Folder, Leaving } from '../leaving.js';
import type { OwnFacts } from './facts.js';

/** Opens one connection. */
export type Dial = () => Promise<Duplex>;

/** A cluster as this machine knows it. */
export interface ClusterHere {
  readonly cluster: string;
  /** Absolute, on this machine: the cluster's own folder, where a framework may keep its secrets. */
  readonly folder: string;
}

/** The headnode of a cluster whose pool runs. */
export interface Place extends Headnode, ClusterHere {
  readonly pool: RunningPool;
  /** Writes into the cluster's journal what is about to be done: `bring up REANA on headnode`. */
  announce(what: string): void;
}

export interface Started<Facts> {
  readonly facts: Facts;
  /** What the user is told of it, in a few words. */
  readonly said: string;
}

/** A framework's state, as `status` shows it. */
export interface ServiceStatus {
  /** Which kind of it, where there are several. */
  readonly flavour?: string;
  readonly state: Part['state'];
  /** What it consists of, where it can tell. */
  readonly parts?: readonly Part[];
}

/** What a user's programs find in their environment: the value itself, or the secret that a file on this machine has. */
export type Variable =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly file: string; readonly what: string };

/** What `up` would send to bring a framework up. */
export interface Rendered {
  /** In the folder of the headnode, beside the pool's configuration. */
  readonly configuration: readonly Leaving[];
  /** Names of scripts in `templates/headnode` that it runs there, without `.sh`. */
  readonly scripts: readonly string[];
  /** More files of that folder. */
  readonly more: readonly Leaving[];
  /** Other places. */
  readonly folders: readonly Folder[];
  /** What else is sent and not written: a sentence for the README, or nothing. */
  readonly note: string;
}

/** The half of a framework that works on the headnode. */
export interface Service<Spec extends object = object, Facts extends OwnFacts = OwnFacts> {
  /**
   * What of it has processes or files that do not go with the pool and its directory, in the order in which it is removed.
   * Each is found by its folder in the pool's directory, since the journal may be lost.
   */
  readonly components: readonly Installed[];
  /** Scripts of `templates/headnode` that no other framework runs: `render` names those that it needs. */
  readonly ownScripts: RegExp;
  /**
   * Brings it up, or finds it running.
   * @param before what was found out when it was started before
   * @throws ScailfinError in the words of what does not come up
   */
  bringUp(at: Place, spec: Spec, before: Facts | undefined): Promise<Started<Facts>>;
  /**
   * Asks how it is. Never throws: what can't be asked is *unknown*, and says why.
   * @param pool what the pool says, which is being asked at the same time; undefined where it can't be asked
   */
  status(facts: Facts, at: () => Promise<Headnode>, pool: Promise<PoolStatus | undefined>): Promise<ServiceStatus>;
  /**
   * Connections to it that have proved where they lead.
   * @param dial opens a connection to its port on the headnode
   * @throws UsageError when what proves it is not on this machine
   */
  dial(facts: Facts, here: ClusterHere, dial: Dial): Dial;
  /** What programs need to talk to it. @param port of this machine, leading to its port */
  env(facts: Facts, here: ClusterHere, port: number): readonly Variable[];
  /** What the user may type next: lines. @param isHere the headnode is this machine */
  next(facts: Facts, here: ClusterHere, isHere: boolean): readonly string[];
  /** What of the user's goes with the cluster, in words; undefined for nothing. @param dial as `dial` gives it */
  losses(facts: Facts, here: ClusterHere, dial: Dial): Promise<string | undefined>;
  /** Every file that would be sent, without any network. @param dir of the pool on the headnode */
  render(cluster: string, dir: string, spec: Spec): Promise<Rendered>;
}
