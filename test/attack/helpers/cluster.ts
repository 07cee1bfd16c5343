import { scailfin, statusOf } from '../../cluster/helpers/cluster.js';
import type { Lab } from '../../lab/lab.js';

/** A cluster of one glide-in, more where asked for, whose pool is on the headnode. @returns the pool's address */
export async function scailfinUp(lab: Lab, name: string, more: readonly string[] = []): Promise<string> {
  await scailfin(lab, 'headnode', ['up', name, '--site', 'lab-slurm', '--walltime', '30m', ...more]);
  return (await statusOf(lab, 'headnode', name)).headnode.address;
}

/** How many glide-ins of a cluster are in the pool. */
export async function joined(lab: Lab, name: string): Promise<number> {
  const { sites } = await statusOf(lab, 'headnode', name);
  return sites.flatMap(s => s.glideins).filter(g => g.joined).length;
}
