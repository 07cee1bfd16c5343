import type { BatchJob, JobQuery } from '../../src/schedulers/job.js';

/** A glide-in job as a test wants it; what it doesn't say is harmless. */
export function job(changes: Partial<BatchJob> = {}): BatchJob {
  return {
    tag: 'sf-test',
    count: 2,
    nodes: 1,
    coresPerNode: 4,
    memoryPerNode: 2048,
    gpusPerNode: 0,
    walltime: 3600,
    queue: undefined,
    queueOption: 'partition',
    account: undefined,
    directives: [],
    launcher: 'none',
    dir: '/scratch/alice/scailfin/test/site',
    logDir: '/scratch/alice/scailfin/test/site/logs',
    command: ['/scratch/alice/scailfin/test/site/glidein.sh', '/scratch/alice/scailfin/test/site'],
    arrays: true,
    ...changes,
  };
}

export function query(changes: Partial<JobQuery> = {}): JobQuery {
  return { tag: 'sf-test', user: 'alice', ids: [], dir: '/scratch/alice/scailfin/test/site', ...changes };
}
