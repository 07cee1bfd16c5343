import { perJob, planSite } from '../../src/cluster/spec.js';
import { batchJob } from '../../src/cluster/steps/glideins.js';
import { jobsFor } from '../../src/schedulers/nodes.js';
import { schedulerFor } from '../../src/schedulers/registry.js';
import type { SiteProfile } from '../../src/sites/schema.js';

/** What a site is sent for its glide-ins in one of its queues. */
export interface QueueJob {
  readonly queue: string;
  /** Seconds. */
  readonly walltime: number;
  readonly script: string;
}

/** A job for each queue of a profile: as long as the queue allows, of an account where the site knows such. */
export function queueJobs(profile: SiteProfile): QueueJob[] {
  const account = profile.account === 'none' ? undefined : 'abc123';
  return Object.entries(profile.queues).map(([queue, limits]) => {
    const walltime = limits.walltime ?? 3600;
    const nodes = Math.max(limits.minNodes ?? 1, Math.min(2, limits.nodes ?? 2, limits.jobs ?? 2));
    const spec = planSite({ queue, walltime, nodes, account }, profile, { sites: {} }, true);
    const job = batchJob(
      spec,
      'mine',
      '/home/alice/.scailfin/mine/site',
      profile.scheduler.arrays ? jobsFor(spec.nodes, perJob(spec)) : 1,
    );
    return { queue, walltime, script: schedulerFor(profile.scheduler.type).submit(job).script };
  });
}

/** The same script with one more directive. */
export function withDirective(script: string, mark: '#SBATCH' | '#$', directive: string): string {
  return script.replace(/^(#!.*\n)/, (line: string) => `${line}${mark} ${directive}\n`);
}
