import { CommandError, LeftoverError, messageOf } from '../errors.js';
import { type BatchCommand, type BatchOptions, runAll } from '../hosts/batch.js';
import type { Output } from '../hosts/host.js';
import { keyValues, scriptCommand } from '../hosts/script.js';
import type { Component, Headnode, Part } from './component.js';

/** A component once it may be there: for these verbs nobody needs to know what it was planned to be. */
export type Installed = Pick<Component<never, unknown>, 'name' | 'healthy' | 'stop' | 'remove'>;

/** Components that go together. */
export interface Group {
  /** What a person calls all of it: `REANA`. */
  readonly title: string;
  /** In the order in which they go. */
  readonly components: readonly Installed[];
}

/** Those of which something is on the headnode, told by their folders: the journal may be lost. */
async function found(at: Headnode, all: readonly Installed[]): Promise<ReadonlySet<Installed>> {
  if (all.length === 0) return new Set();
  return readFound(at, all, await at.host.run(looking(at, all), { check: false }));
}

/** The status of `looking` if something is there. */
const THERE = 9;
const script =
  'cd "$1" 2>/dev/null || exit 0; shift; s=0; for name; do [ ! -d "$name" ] || { echo "there=$name"; s=9; }; done; exit $s';

const looking = (at: Headnode, all: readonly Installed[]): string[] =>
  scriptCommand(script, [at.dir, ...all.map(c => c.name)]);

function readFound(at: Headnode, all: readonly Installed[], out: Output | undefined): ReadonlySet<Installed> {
  if (out?.exitCode !== 0 && out?.exitCode !== THERE)
    throw new CommandError(at.host.name, `look into ${at.dir}`, out?.exitCode ?? null, out?.stderr ?? '');
  const there = keyValues(out.stdout).get('there') ?? [];
  return new Set(all.filter(component => there.includes(component.name)));
}

/** What the components that are there say of themselves, part by part. */
export async function partsOf(at: Headnode, components: readonly Installed[]): Promise<readonly Part[]> {
  const parts = [...(await found(at, components))].map(component => component.healthy(at));
  return (await Promise.all(parts)).flat();
}

/**
 * Stops and removes the components that are there, and goes on past those that can't be removed. One round trip finds
 * those of all groups.
 * @param then commands that run once all are gone, each if those before did not fail: in that same round trip, if nothing is there
 * @returns the outputs of those that were run
 * @throws LeftoverError naming what may remain
 */
export async function removeInstalled(
  at: Headnode,
  groups: readonly Group[],
  then: readonly BatchCommand[] = [],
  options: BatchOptions = {},
): Promise<Output[]> {
  const all = groups.flatMap(group => group.components);
  if (all.length + then.length === 0) return [];
  const inOrder = { ...options, stopAtFailure: true };
  const [looked, ...outputs] = await runAll(at.host, [{ argv: looking(at, all) }, ...then], inOrder);
  const there = readFound(at, all, looked);
  if (there.size === 0) return outputs;
  const left: string[] = [];
  const titles: string[] = [];
  for (const { title, components } of groups) {
    const before = left.length;
    for (const component of components.filter(c => there.has(c))) left.push(...(await remove(component, at)));
    if (left.length > before) titles.push(title);
  }
  if (left.length > 0)
    throw new LeftoverError(`not all of ${titles.join(' and ')} is gone on ${at.host.name}:`, left, {
      hint: `scailfin down ${at.cluster} tries again`,
    });
  return runAll(at.host, then, inOrder);
}

/** @returns what may remain of it */
async function remove(component: Installed, at: Headnode): Promise<readonly string[]> {
  try {
    await component.stop(at);
    await component.remove(at);
    return [];
  } catch (error) {
    if (error instanceof LeftoverError) return error.left;
    return [`${component.name} on ${at.host.name}: ${messageOf(error).split('\n')[0]}`];
  }
}
