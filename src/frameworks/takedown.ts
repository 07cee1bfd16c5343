import type { Headnode } from '../headnode/component.js';
import { removeInstalled } from '../headnode/installed.js';
import type { BatchCommand, BatchOptions } from '../hosts/batch.js';
import type { Output } from '../hosts/host.js';
import { services } from './registry.js';

/**
 * Removes from a headnode the parts of all frameworks outside the pool and its directory. They are found by what is
 * there, because the journal may be lost.
 * @param then commands that run after that, as `removeInstalled` says
 * @throws LeftoverError naming what may remain
 */
export async function takeDownFrameworks(
  at: Headnode,
  then: readonly BatchCommand[],
  options: BatchOptions,
): Promise<Output[]> {
  const groups = services.map(async ({ title, service }) => ({
    title,
    components: (await service?.())?.components ?? [],
  }));
  return removeInstalled(at, await Promise.all(groups), then, options);
}
