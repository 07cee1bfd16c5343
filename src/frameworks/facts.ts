/** What a cluster's framework was asked to be: its name, and what its own `plan` made of the request. */
export interface FrameworkSpec {
  readonly name: string;
}

/** What was found out when a framework was started; it stands in the cluster's journal. */
export interface FrameworkFacts {
  readonly name: string;
  /** Where it is reached, on the headnode's loopback address. */
  readonly port: number;
}

/** Facts as a framework itself gives them: the journal adds its name. */
export type OwnFacts = Omit<FrameworkFacts, 'name'>;
