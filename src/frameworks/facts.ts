/** The settings of a cluster's framework: its name, and the result of its own `plan` for the request. */
export interface FrameworkSpec {
  readonly name: string;
}

/** The facts that were found when a framework was started; they are recorded in the cluster's journal. */
export interface FrameworkFacts {
  readonly name: string;
  /** The port of the headnode's loopback address on which it is reached; 0: programs of the user's listen where they want. */
  readonly port: number;
}

/** A list in which these replace those of the same name. */
export function withNamed<T extends FrameworkSpec>(all: readonly T[], some: readonly T[]): T[] {
  const isNew = (one: T): boolean => all.every(f => f.name !== one.name);
  return [...all.map(old => some.find(f => f.name === old.name) ?? old), ...some.filter(isNew)];
}

/** The facts from the framework itself: the journal adds its name. */
export type OwnFacts = Omit<FrameworkFacts, 'name'>;
