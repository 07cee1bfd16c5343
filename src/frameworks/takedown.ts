import type { Headnode } from '../headnode/component.js';
import { removeInstalled } from '../headnode/installed.js';
import { services } from './registry.js';

/**
 * Removes from a headnode the parts of all frameworks outside the pool and its directory. They are found by what is
 * there, because the journal may be lost.
 * @throws LeftoverError naming what may remain
 */
export async function takeDownFrameworks(at: Headnode): Promise<void> {
  const groups = services.map(async ({ title, service }) => ({
    title,
    components: (await service?.())?.components ?? [],
  }));
  await removeInstalled(at, await Promise.all(groups));
}
