import type { Duplex } from 'node:stream';
import type { Headnode, Part } from '../headnode/component.js';
import type { Installed } from '../headnode/installed.js';
import type { FileToPut } from '../hosts/host.js';
import type { RunningPool } from '../htcondor/pool.js';
import type { PoolStatus } from '../htcondor/query.js';
import type { Folder, Leaving } from '../leaving.js';
import type { OwnFacts } from './facts.js';

/** Opens one connection. */
export type Dial = () => Promise<Duplex>;

/** A cluster as this machine knows it. */
export interface ClusterHere {
  readonly cluster: string;
  /** Absolute; the cluster's own directory on this machine, where a framework may keep its secrets. */
  readonly folder: string;
}

/** The headnode of a cluster whose pool is running. */
export interface Place extends Headnode, ClusterHere {
  readonly pool: RunningPool;
  /** What programs on nodes need for the cluster's other frameworks that run already. */
  others(): Promise<readonly OnNodes[]>;
  /** Records in the cluster's journal what is about to be done: `bring up REANA on headnode`. */
  announce(what: string): void;
}

/** What a program on a node of the pool needs to use a framework. */
export interface OnNodes {
  /** The framework's name, and its name for people. */
  readonly name: string;
  readonly title: string;
  /** Paths are below a directory of the framework's own. One is `run.sh`: with a command, it runs a program that finds the framework. Secret. */
  readonly files: readonly FileToPut[];
  /** Absolute; an archive on the headnode with the Python packages that such a program needs. It may be absent. */
  readonly packages: string;
}

export interface Started<Facts> {
  readonly facts: Facts;
  /** What the user is told about it, in a few words. */
  readonly said: string;
}

/** A framework's state, as `status` shows it. */
export interface ServiceStatus {
  /** Its flavour, if there are several. */
  readonly flavour?: string;
  readonly state: Part['state'];
  /** Its parts, if it can tell them. */
  readonly parts?: readonly Part[];
}

/** A variable for the user's programs: its value, or the file on this machine that contains a secret. */
export type Variable =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly file: string; readonly what: string };

/** The files that `up` would send to start a framework. */
export interface Rendered {
  /** Files in the folder of the headnode, beside the pool's configuration. */
  readonly configuration: readonly Leaving[];
  /** Names of scripts in `templates/headnode` that it runs on the headnode, without `.sh`. */
  readonly scripts: readonly string[];
  /** Further files in that folder. */
  readonly more: readonly Leaving[];
  /** Folders for other places. */
  readonly folders: readonly Folder[];
  /** A sentence for the README about data that is sent but not written here; empty if there is none. */
  readonly note: string;
}

/** A person with whom a cluster is shared. */
export interface PersonThere {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Bytes that all files may use; absent: no limit. */
  readonly quota?: number | undefined;
  readonly used: number;
  readonly runs: number;
  /** Runs that wait or go on. */
  readonly active: number;
  readonly steps: { readonly running: number; readonly waiting: number };
}

/** The people with whom the owner shares a framework's service. Names are as `personName` makes them. */
export interface People {
  list(): Promise<readonly PersonThere[]>;
  /** Adds a person, or changes one: what is absent stays as it is. @param token secret @param quota bytes */
  put(name: string, to: { readonly token?: string | undefined; readonly quota?: number | undefined }): Promise<void>;
  /** Ends a person's access. @returns how many runs were stopped */
  remove(name: string, keepRuns: boolean): Promise<number>;
}

/** The half of a framework that works on the headnode. */
export interface Service<Spec extends object = object, Facts extends OwnFacts = OwnFacts> {
  /**
   * Its parts with processes or files that are not removed with the pool and its directory, in the order of their
   * removal. Each is found by its directory in the pool's directory, because the journal may be lost.
   */
  readonly components: readonly Installed[];
  /** Scripts of `templates/headnode` that only this framework runs: `render` names those that it needs. */
  readonly ownScripts: RegExp;
  /**
   * Starts it, or finds it running.
   * @param before the facts of an earlier start
   * @throws ScailfinError with the error of the part that does not start
   */
  bringUp(at: Place, spec: Spec, before: Facts | undefined): Promise<Started<Facts>>;
  /** What programs on nodes need to use it; absent: they can't. @param at absent if it is only shown */
  onNodes?(dir: string, at?: Headnode & ClusterHere): Promise<Pick<OnNodes, 'files' | 'packages'>>;
  /**
   * Asks for its state. Never throws: if something can't be asked, it is *unknown*, with a reason.
   * @param pool the pool's state, which is being asked at the same time; undefined if it can't be asked
   */
  status(facts: Facts, at: () => Promise<Headnode>, pool: Promise<PoolStatus | undefined>): Promise<ServiceStatus>;
  /**
   * Connections to it, on which the server has proved its identity.
   * @param dial opens a connection to its port on the headnode
   * @throws UsageError if the data for that check is not on this machine
   */
  dial(facts: Facts, here: ClusterHere, dial: Dial): Dial;
  /**
   * The user's own program listens at its port, so that its variables are good before anything answers there. Absent: they
   * are given only if the service has proved itself.
   */
  readonly isForListeners?: boolean;
  /** The variables that programs need to use it. @param port the local port that is forwarded to it */
  env(facts: Facts, here: ClusterHere, port: number): readonly Variable[];
  /** A configuration for the user's programs, as a text; absent if there is none. */
  configuration?(facts: Facts, here: ClusterHere): string;
  /**
   * Its people; absent if it can't be shared. @param dial the result of `dial`
   * @throws UsageError if people are added in another way, with what to type
   */
  people?(facts: Facts, here: ClusterHere, dial: Dial): People;
  /** Lines with what the user may type next. @param isHere the headnode is this machine */
  next(facts: Facts, here: ClusterHere, isHere: boolean): readonly string[];
  /**
   * Data of the user that would be lost with the cluster, in words; undefined if there is none. @param dial the result of
   * `dial`
   */
  losses(facts: Facts, here: ClusterHere, dial: Dial): Promise<string | undefined>;
  /**
   * Every file that would be sent; uses no network.
   * @param dir the pool's directory on the headnode
   * @param others as a `Place` has them, without secrets
   */
  render(cluster: string, dir: string, spec: Spec, others: readonly OnNodes[]): Promise<Rendered>;
}
