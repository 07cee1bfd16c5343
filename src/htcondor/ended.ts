import type { Host } from '../hosts/host.js';
import { runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';

const most = 1000;

/**
 * Tells the pool that batch jobs of a site are over, as its batch system says: jobs of the pool that run on their glide-ins run
 * elsewhere, instead of waiting until their lease ends. If the pool hears from such a glide-in later, nothing happens.
 * @param dir the pool's directory
 * @param ids of batch jobs, or of elements of arrays, the newest last; no more than a command line can hold are told
 */
export async function noteEnded(host: Host, dir: string, site: string, ids: readonly string[]): Promise<void> {
  await runScript(host, templateText('headnode/glideins-ended.sh'), [dir, site, ...ids.slice(-most)]);
}
