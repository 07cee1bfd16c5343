import type { Fields } from '../fields.js';
import type { Config } from '../sites/settings.js';
import type { OwnFacts } from './facts.js';
import type { Service } from './service.js';

/** The options on the command line, by their names in camelCase. A framework reads the ones that it declares. */
export interface FrameworkRequest {
  /** The values of --framework. */
  readonly framework?: readonly string[] | undefined;
  readonly [option: string]: unknown;
}

/** An option of `up` and `render`. It belongs to one framework, which giving it selects, unless several share it. */
export interface FrameworkOption {
  /** The name without its dashes: `reana-image`. */
  readonly name: string;
  /** The name of its value in the help: `<image>`. */
  readonly value: string;
  readonly help: string;
  /** All values that it accepts; absent: any value. */
  readonly choices?: readonly string[];
  /** Several frameworks have it, so that giving it selects none of them. */
  readonly isShared?: boolean;
}

/**
 * What a cluster offers in addition to the bare pool. This half is loaded with every command line, so it is small and has
 * no side effects; the half that works on the headnode is loaded when it is needed.
 */
export interface Framework<Spec extends object = object, Facts extends OwnFacts = OwnFacts> {
  /** The name in --framework, in journals and in `status`. */
  readonly name: string;
  /** The name for people. */
  readonly title: string;
  /** Its part of the help of --framework, such as `reana (workflows on the pool)`. */
  readonly about: string;
  readonly options: readonly FrameworkOption[];
  /** Names of files in the cluster's directory on this machine that are useless once the cluster is gone. */
  readonly secrets: readonly string[];
  /** The fields that its facts must have when they are read from a journal. */
  readonly facts: Fields;
  /** Checks the request, and makes the plan. @throws UsageError for options that contradict each other */
  plan(request: FrameworkRequest, config: Config): Spec;
  /**
   * Undefined, unless parts of it reach the pool at the headnode's own address, so that the pool can't be on loopback only: then what to ask for
   * instead.
   */
  needsAddress?(spec: Spec): string | undefined;
  /** The plan on one line. */
  describe(spec: Spec): string;
  /** What of the user's stays at the site after `down`, in a sentence; absent: nothing does. */
  stays?(spec: Spec): string;
  /** The differences between a cluster's framework and the request, in words; none if it can be used. */
  differences(there: { readonly spec: Spec; readonly facts: Facts | undefined }, asked: Spec): readonly string[];
  /** The settings of a cluster's framework after a further request; absent: they stay as they are. */
  merged?(there: Spec, asked: Spec): Spec;
  /** The half that works on the headnode; absent if the framework is the pool alone. */
  readonly service?: () => Promise<Service<Spec, Facts>>;
}
