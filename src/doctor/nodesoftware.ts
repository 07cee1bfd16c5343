import { profileFile } from './patient.js';
import type { FoundRuntime } from './report.js';
import { type Context, type Finding, ok, type Stage, warning } from './stage.js';

/** The node has a container runtime, and the ones that the profile names. */
export const nodeSoftware: Stage = {
  id: 'node-software',
  title: 'Containers and modules',

  async run(context) {
    const { runtimes, modules } = context.facts.get('found');
    const system =
      modules.system === undefined ? 'no module system' : `${modules.names.length} modules (${modules.system})`;
    if (runtimes.length === 0)
      return warning(
        `there is no container runtime, neither in the PATH nor as a module; ${system}`,
        'steps that name an image can’t run here: ask the site for one, and add it under "containers" in the profile',
      );
    return missing(context, runtimes) ?? ok(`${runtimes.map(inWords).join(', ')}; ${system}`);
  },
};

function missing({ patient }: Context, found: readonly FoundRuntime[]): Finding | undefined {
  const promised = patient.site?.profile.containers ?? [];
  if (promised.length === 0 || promised.some(p => found.some(f => f.runtime === p.runtime))) return undefined;
  const there = found.map(f => f.runtime).join(', ');
  return warning(
    `the profile names ${promised.map(p => p.runtime).join(', ')}, but there is ${found.map(inWords).join(', ')}`,
    `write ${there} under "containers" in ${profileFile(patient)}`,
  );
}

function inWords({ runtime, path, version, module }: FoundRuntime): string {
  if (module !== undefined) return `${runtime} (module ${module})`;
  return [runtime, ...(version === undefined ? [] : [version]), `(${path})`].join(' ');
}
