import type { Fields } from '../fields.js';
import type { Config } from '../sites/schema.js';
import type { OwnFacts } from './facts.js';
import type { Service } from './service.js';

/** What the command line says, by the names of its options in camelCase. A framework reads those that it declares. */
export interface FrameworkRequest {
  /** The name that was given to --framework. */
  readonly framework?: string | undefined;
  readonly [option: string]: unknown;
}

/** An option of `up` and `render` that belongs to one framework; who gives it asks for that framework. */
export interface FrameworkOption {
  /** Without its dashes: `reana-image`. */
  readonly name: string;
  /** How help calls its value: `<image>`. */
  readonly value: string;
  readonly help: string;
  /** All values that it takes; absent: any. */
  readonly choices?: readonly string[];
}

/**
 * What a cluster offers to its user beside the bare pool. This half is loaded with every command line, so it is small and
 * touches nothing; the half that works on the headnode is loaded when it is needed.
 */
export interface Framework<Spec extends object = object, Facts extends OwnFacts = OwnFacts> {
  /** As one types it behind --framework, and as journals and `status` have it. */
  readonly name: string;
  /** What a person calls it. */
  readonly title: string;
  /** For the help of --framework, such as `reana runs workflows on it`. */
  readonly about: string;
  readonly options: readonly FrameworkOption[];
  /** Names of files in the cluster's folder on this machine that are of no use once the cluster is gone. */
  readonly secrets: readonly string[];
  /** What its facts must have, when they are read from a journal. */
  readonly facts: Fields;
  /** What was asked for, checked. @throws UsageError for options that contradict each other */
  plan(request: FrameworkRequest, config: Config): Spec;
  /** The plan in a line. */
  describe(spec: Spec): string;
  /** In what a cluster's framework is another than what is asked for now, in words; none where it will do. */
  differences(there: { readonly spec: Spec; readonly facts: Facts | undefined }, asked: Spec): readonly string[];
  /** What it runs on the headnode beside the pool; absent where the pool is all that it offers. */
  readonly service?: () => Promise<Service<Spec, Facts>>;
}
