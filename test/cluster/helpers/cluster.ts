import type { ClusterStatus } from '../../../src/cluster/status.js';
import type { HostName, Lab } from '../../lab/lab.js';

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** Types a command as scail on a host of the lab; a failure is an error unless `check` is false. */
export function scailfin(
  lab: Lab,
  host: HostName,
  args: readonly string[],
  options: { check?: boolean; timeoutMs?: number } = {},
): Promise<Ran> {
  return lab.exec(host, ['scailfin', ...args], { timeoutMs: 100_000, ...options });
}

export async function statusOf(lab: Lab, host: HostName, name: string): Promise<ClusterStatus> {
  // its exit status is 1 if something could not be asked
  const { stdout } = await scailfin(lab, host, ['status', name, '--json'], { check: false });
  return JSON.parse(stdout) as ClusterStatus;
}

/** What the site's Slurm says is queued or running, a line each. */
export async function jobsOn(lab: Lab): Promise<string[]> {
  const { stdout } = await lab.exec('login', ['squeue', '--noheader', '-o', '%i %j %T %N'], { user: 'root' });
  return stdout.split('\n').filter(Boolean).sort();
}

export interface JobRun {
  readonly user: string;
  readonly node: string;
}

/**
 * Runs `count` jobs through the pool to their end, with a command typed on this host.
 * @param head whose user's files the pool's schedd takes them from
 * @returns where and as whom each ran
 */
export async function submitJobs(
  lab: Lab,
  host: HostName,
  name: string,
  count: number,
  command: string,
  head: { readonly host: HostName; readonly user: string } = { host, user: 'scail' },
): Promise<JobRun[]> {
  const { user } = head;
  const dir = `/tmp/jobs-${name}-${Date.now()}`;
  await lab.exec(head.host, ['mkdir', dir], { user });
  const script = `#!/bin/sh\n${command}\necho "$(id -un) $(hostname)"\n`;
  await lab.write(head.host, `${dir}/job.sh`, script, { user, mode: 0o755 });
  const description = [
    ...[
      `executable = ${dir}/job.sh`,
      `initialdir = ${dir}`,
      `output = ${dir}/out.$(Process)`,
      `error = ${dir}/err.$(Process)`,
      `log = ${dir}/log`,
    ],
    ...[
      'request_memory = 100',
      'should_transfer_files = YES',
      'when_to_transfer_output = ON_EXIT',
      `queue ${count}`,
      '',
    ],
  ];
  await lab.write(head.host, `${dir}/job.sub`, description.join('\n'), { user, mode: 0o644 });
  await scailfin(lab, host, ['exec', name, '--', 'condor_submit', `${dir}/job.sub`]);
  await scailfin(lab, host, ['exec', name, '--', 'condor_wait', '-wait', '60', `${dir}/log`]);
  const { stdout } = await lab.exec(head.host, ['sh', '-c', 'cat "$1"/out.*', 'cat', dir], { user });
  await lab.exec(head.host, ['rm', '-rf', dir], { user });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map(line => ({ user: line.split(' ')[0] as string, node: line.split(' ')[1] as string }));
}
