import type { Host } from './host.js';
import { until } from './programs.js';

const asRoot = { user: 'root', check: false };

/** Ends a daemon, and waits until it is gone; not being there is fine. */
export async function stopDaemon(host: Host, program: string): Promise<void> {
  await host.exec(['pkill', '-x', program], asRoot);
  const isGone = async () => (await host.exec(['pgrep', '-x', program], asRoot)).exitCode === 1;
  await until(`${program} to end`, 20_000, isGone);
}
