import { LeftoverError, messageOf } from '../errors.js';
import { keyValues, runScript } from '../hosts/script.js';
import type { Component, Headnode, Part } from './component.js';
import { contextComponent } from './context/component.js';
import { minikubeComponent } from './minikube/component.js';
import { reana } from './reana/reana.js';

type Any = Pick<Component<never, unknown>, 'name' | 'healthy' | 'stop' | 'remove'>;

/** The components with processes and files outside the cluster's directory, in the order of their removal. */
const all: readonly Any[] = [reana(), contextComponent, minikubeComponent];

/** The components of which something is on the headnode, found by their directories, because the journal may be lost. */
async function found(at: Headnode): Promise<readonly Any[]> {
  const script = 'cd "$1" 2>/dev/null || exit 0; shift; for name; do [ ! -d "$name" ] || echo "there=$name"; done';
  const out = await runScript(at.host, script, [at.dir, ...all.map(c => c.name)]);
  const there = keyValues(out.stdout).get('there') ?? [];
  return all.filter(component => there.includes(component.name));
}

/** Upstream REANA and its Kubernetes, part by part. */
export async function kubernetesParts(at: Headnode): Promise<readonly Part[]> {
  const parts = (await found(at)).map(component => component.healthy(at));
  return (await Promise.all(parts)).flat();
}

/**
 * Removes upstream REANA and its Kubernetes, if they are there; continues after errors.
 * @throws LeftoverError naming what may remain
 */
export async function removeKubernetes(at: Headnode): Promise<void> {
  const left: string[] = [];
  for (const component of await found(at)) {
    try {
      await component.stop(at);
      await component.remove(at);
    } catch (error) {
      const words = `${component.name} on ${at.host.name}: ${messageOf(error).split('\n')[0]}`;
      left.push(...(error instanceof LeftoverError ? error.left : [words]));
    }
  }
  if (left.length > 0)
    throw new LeftoverError(`not all of REANA is gone on ${at.host.name}:`, left, {
      hint: `try again: scailfin down ${at.cluster}`,
    });
}
