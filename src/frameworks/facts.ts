/** The settings of a cluster's framework: its name, and the result of its own `plan` for the request. */
export interface FrameworkSpec {
  readonly name: string;
}

/** The facts that were found when a framework was started; they are recorded in the cluster's journal. */
export interface FrameworkFacts {
  readonly name: string;
  /** The port of the headnode's loopback address on which it is reached. */
  readonly port: number;
}

/** The facts from the framework itself: the journal adds its name. */
export type OwnFacts = Omit<FrameworkFacts, 'name'>;
