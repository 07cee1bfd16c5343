import { LeftoverError, messageOf } from '../errors.js';
import { keyValues, runScript } from '../hosts/script.js';
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
  const script = 'cd "$1" 2>/dev/null || exit 0; shift; for name; do [ ! -d "$name" ] || echo "there=$name"; done';
  const out = await runScript(at.host, script, [at.dir, ...all.map(c => c.name)]);
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
 * @throws LeftoverError naming what may remain
 */
export async function removeInstalled(at: Headnode, groups: readonly Group[]): Promise<void> {
  const there = await found(
    at,
    groups.flatMap(group => group.components),
  );
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
