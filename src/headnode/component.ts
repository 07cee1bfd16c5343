import { ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';

/** Where a component lives. */
export interface Headnode {
  readonly host: Host;
  /** Absolute, of the whole cluster's on the headnode: a component has its own folder in it, by its name. */
  readonly dir: string;
  readonly cluster: string;
  /** Long work says how far it is: a few words. */
  readonly onProgress: (detail: string) => void;
}

/** What a component can't do without, and how one gets it. */
export interface Missing {
  /** `no container engine: neither docker nor podman is here`. */
  readonly what: string;
  /** The next thing to type. */
  readonly hint: string;
}

/** A part of a component, as `status` lists it. */
export interface Part {
  readonly name: string;
  readonly state: 'alive' | 'starting' | 'dead' | 'unknown';
  /** Its own words, where it is not alive. */
  readonly reason?: string;
}

/**
 * Something that is installed on the headnode, runs there, and goes again. All have the same life; every verb may be
 * called again, and finds what is done. `stop` and `remove` go by what they find below `dir`, for the journal may be lost.
 */
export interface Component<Plan, Running> {
  readonly name: string;
  /** Changes nothing. */
  check(at: Headnode, plan: Plan): Promise<readonly Missing[]>;
  /** In user space, below `dir` or where HTCondor, kubectl … of the headnode's own are. @throws ScailfinError */
  install(at: Headnode, plan: Plan): Promise<void>;
  configure(at: Headnode, plan: Plan): Promise<void>;
  /** Returns when it answers. @throws ScailfinError with the component's own words */
  start(at: Headnode, plan: Plan): Promise<Running>;
  /** Never throws for what can't be asked: that part is unknown, and says why. */
  healthy(at: Headnode): Promise<readonly Part[]>;
  /** Nothing of it there is a success. @throws ScailfinError when some of it survives */
  stop(at: Headnode): Promise<void>;
  /** What is not below `dir`, too; verifies it. @throws LeftoverError */
  remove(at: Headnode): Promise<void>;
}

/** The first half of a component's life. @throws ScailfinError naming all that is missing */
export async function bringUp<Plan, Running>(
  component: Component<Plan, Running>,
  at: Headnode,
  plan: Plan,
): Promise<Running> {
  const missing = await component.check(at, plan);
  if (missing.length > 0) {
    const lines = missing.map(m => m.what);
    throw new ScailfinError(
      `${component.name} can't run on ${at.host.name}: ${lines.length === 1 ? lines[0] : `\n  ${lines.join('\n  ')}`}`,
      { hint: missing.map(m => m.hint).join('; ') },
    );
  }
  await component.install(at, plan);
  await component.configure(at, plan);
  return component.start(at, plan);
}
