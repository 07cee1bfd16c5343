import { ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';

/** The place of a component. */
export interface Headnode {
  readonly host: Host;
  /** Absolute; the cluster's directory on the headnode. Each component has a directory in it, by its name. */
  readonly dir: string;
  readonly cluster: string;
  /** Called by long work to report its progress in a few words. */
  readonly onProgress: (detail: string) => void;
}

/** Something that a component needs and that is missing, and how to get it. */
export interface Missing {
  /** `no container engine: neither docker nor podman is here`. */
  readonly what: string;
  /** What to type next. */
  readonly hint: string;
}

/** A part of a component, as `status` lists it. */
export interface Part {
  readonly name: string;
  readonly state: 'alive' | 'starting' | 'dead' | 'unknown';
  /** The error in its own words, if it is not alive. */
  readonly reason?: string;
}

/**
 * Something that is installed on the headnode, runs there, and is removed again. All components have the same life cycle.
 * Every method may be called again, and skips what is done. `stop` and `remove` use only what they find below `dir`,
 * because the journal may be lost.
 */
export interface Component<Plan, Running> {
  readonly name: string;
  /** Changes nothing. */
  check(at: Headnode, plan: Plan): Promise<readonly Missing[]>;
  /** Installs without root, below `dir` or beside the headnode's own HTCondor, kubectl …. @throws ScailfinError */
  install(at: Headnode, plan: Plan): Promise<void>;
  configure(at: Headnode, plan: Plan): Promise<void>;
  /** Returns once the component answers. @throws ScailfinError with the component's own error */
  start(at: Headnode, plan: Plan): Promise<Running>;
  /** Never throws if something can't be asked: that part is `unknown`, with a reason. */
  healthy(at: Headnode): Promise<readonly Part[]>;
  /** If nothing of it is there, that is a success. @throws ScailfinError if some of it survives */
  stop(at: Headnode): Promise<void>;
  /** Removes also what is not below `dir`, and verifies that it is gone. @throws LeftoverError */
  remove(at: Headnode): Promise<void>;
}

/** The first half of a component's life cycle. @throws ScailfinError naming everything that is missing */
export async function bringUp<Plan, Running>(
  component: Component<Plan, Running>,
  at: Headnode,
  plan: Plan,
): Promise<Running> {
  requireNone(component, at, await component.check(at, plan));
  await component.install(at, plan);
  await component.configure(at, plan);
  return component.start(at, plan);
}

/** @throws ScailfinError naming everything that is missing */
export function requireNone(
  { name }: { readonly name: string },
  { host }: Headnode,
  missing: readonly Missing[],
): void {
  if (missing.length === 0) return;
  const lines = missing.map(m => m.what);
  throw new ScailfinError(
    `${name} can't run on ${host.name}: ${lines.length === 1 ? lines[0] : `\n  ${lines.join('\n  ')}`}`,
    { hint: missing.map(m => m.hint).join('; ') },
  );
}
