import { expect } from 'vitest';
import type { ClusterStatus } from '../../../src/cluster/status.js';
import type { HostName, Lab } from '../../lab/lab.js';
import { scailfin, statusOf } from './cluster.js';

/** Where a pool runs, as its own user sees it. */
export interface PoolAt {
  readonly host: HostName;
  readonly user: string;
  /** Of the cluster. */
  readonly name: string;
}

/** HTCondor's own commands, where the pool is: no scailfin is involved, and no laptop. */
export async function condor({ host, user, name }: PoolAt, lab: Lab, argv: readonly string[]): Promise<string> {
  const env = { CONDOR_CONFIG: `/home/${user}/.scailfin/${name}/pool/condor_config` };
  return (await lab.exec(host, argv, { user, env, timeoutMs: 100_000 })).stdout;
}

/** Submits jobs straight to the pool's schedd. @returns their directory, with a file `log` and one `out.N` each */
export async function submitAt(pool: PoolAt, lab: Lab, count: number, command: string, more = ''): Promise<string> {
  const dir = `/tmp/jobs-${pool.name}-${Date.now()}`;
  await lab.exec(pool.host, ['mkdir', dir], { user: pool.user });
  const script = `#!/bin/sh\n${command}\necho "$(id -un) $(hostname)"\n`;
  await lab.write(pool.host, `${dir}/job.sh`, script, { user: pool.user, mode: 0o755 });
  const description = `executable = ${dir}/job.sh
initialdir = ${dir}
output = ${dir}/out.$(Process)
log = ${dir}/log
request_memory = 100
should_transfer_files = YES
when_to_transfer_output = ON_EXIT
${more}
queue ${count}
`;
  await lab.write(pool.host, `${dir}/job.sub`, description, { user: pool.user });
  await condor(pool, lab, ['condor_submit', `${dir}/job.sub`]);
  return dir;
}

/** Waits until the jobs are done. @returns who ran each, and where; their files go */
export async function finished(pool: PoolAt, lab: Lab, dir: string): Promise<{ users: string[]; nodes: string[] }> {
  await condor(pool, lab, ['condor_wait', '-wait', '90', `${dir}/log`]);
  const { stdout } = await lab.exec(pool.host, ['sh', '-c', `cat ${dir}/out.*; rm -r ${dir}`], { user: pool.user });
  const lines = stdout.split('\n').flatMap(line => (line ? [line.split(' ')] : []));
  return {
    users: lines.map(words => words[0] as string),
    nodes: [...new Set(lines.map(words => words[1] as string))].sort(),
  };
}

/** How the pool's growth at its first site stands. */
export async function growthOf(lab: Lab, from: HostName, name: string) {
  const status: ClusterStatus = await statusOf(lab, from, name);
  return status.sites[0]?.growth;
}

/**
 * Jobs on a pool that has nobody: glide-ins come by themselves, run them as alice on both nodes, and leave again.
 * @param jobs the site's jobs of alice
 */
export async function growsAndShrinks(pool: PoolAt, lab: Lab, jobs: () => Promise<string[]>): Promise<void> {
  expect(await jobs()).toEqual([]);
  // of eight cores each
  const dir = await submitAt(pool, lab, 12, 'sleep 3');
  const { users, nodes } = await finished(pool, lab, dir);
  expect(users).toEqual(Array(12).fill('alice'));
  expect(nodes).toEqual(['c1', 'c2']);
  expect((await jobs()).length).toBeLessThanOrEqual(2);
  await expect.poll(jobs, { timeout: 60_000, interval: 1000 }).toEqual([]);
}

export const down = async (lab: Lab, from: HostName, ...args: string[]): Promise<string> =>
  (await scailfin(lab, from, ['down', ...args])).stdout;
