/*
 * asker status|read SYSTEM QUERY: asks a batch system as `status` does, or makes the same calls and only counts
 * the bytes, with the programs in PATH; `nothing` does nothing. Prints {jobs, bytes, cpuMs, peakMib} of this process.
 */
import { spawn } from 'node:child_process';
import type { SchedulerName } from '../../src/schedulers/registry.js';

async function parts(system: SchedulerName) {
  const [{ schedulerFor }, { listJobs }, { LocalHost }] = await Promise.all([
    import('../../src/schedulers/registry.js'),
    import('../../src/schedulers/runner.js'),
    import('../../src/hosts/local.js'),
  ]);
  return { scheduler: schedulerFor(system), listJobs, host: new LocalHost() };
}

async function read([file = '', ...args]: readonly string[]): Promise<number> {
  let bytes = 0;
  const { stdout } = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const chunk of stdout) bytes += chunk.length;
  return bytes;
}

const [what, system = '', query = ''] = process.argv.slice(2);
let [jobs, bytes] = [0, 0];
if (what === 'status' || what === 'read') {
  const { scheduler, listJobs, host } = await parts(system as SchedulerName);
  if (what === 'status') jobs = (await listJobs(host, scheduler, JSON.parse(query))).length;
  else for (const { argv } of scheduler.list(JSON.parse(query))) bytes += await read(argv);
}

const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const used = { jobs, bytes, cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMib: maxRSS / 1024 };
process.stdout.write(JSON.stringify(used));
