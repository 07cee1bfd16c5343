import { type BatchJobStatus, type Command, type Inquiry, isOver, type JobQuery, type Output } from '../job.js';
import { bounded } from '../most.js';
import { type Group, groups, numbers, option } from './clusters.js';
import { fromAccounting, fromQueue, inCluster, sacct, squeue } from './list.js';

/**
 * Asks for jobs by their ids: the queue of their cluster, the whole federation if there is one, and the accounting, which
 * may be late. Outside a federation, --federation has no effect (squeue(1), since Slurm 17.11).
 */
export function commands(ids: readonly string[], query: JobQuery): Command[] {
  return asked(ids, query).flatMap(group => {
    const which = [`--user=${query.user}`, `--jobs=${numbers(group)}`];
    return [squeue([...which, ...option(group.cluster)]), squeue([...which, '--federation']), sacct(group)];
  });
}

export function parse(outputs: readonly Output[], ids: readonly string[], query: JobQuery): Inquiry {
  const jobs: BatchJobStatus[] = [];
  const denied: string[] = [];
  for (const [n, group] of asked(ids, query).entries()) {
    const [own, federation, accounting] = outputs.slice(3 * n, 3 * n + 3);
    const past = accounting?.exitCode === 0 ? [...bounded('Slurm', fromAccounting(accounting.stdout))] : [];
    const live = [own, federation].flatMap(out => liveJobs(out, query.tag));
    // a job that one of them calls alive is not over
    const said = new Map(
      [...past, ...live.filter(s => isOver(s.state)), ...live.filter(s => !isOver(s.state))].map(s => [s.id, s]),
    );
    jobs.push(...[...said.values()].map(s => inCluster(s, group.cluster)));
    const told = new Set(jobs.map(s => s.jobId));
    if (isAnswer(own)) denied.push(...group.ids.filter(id => !told.has(id)));
  }
  return { jobs, denied };
}

const asked = (ids: readonly string[], { clusters }: JobQuery): Group[] =>
  groups(ids, { clusters: clusters ?? [] }).filter(group => group.ids.length > 0);

/** Of a single id that it does not know, squeue says that it is invalid; of several, it shows those that it knows. */
const isAnswer = (out: Output | undefined): boolean =>
  out?.exitCode === 0 || /Invalid job id specified/i.test(out?.stderr ?? '');

function liveJobs(out: Output | undefined, tag: string): BatchJobStatus[] {
  try {
    // the number may be another job's in another cluster
    const own = out && {
      ...out,
      stdout: out.stdout.replaceAll(/^.*\n/gm, line => (line.endsWith(`|${tag}\n`) ? line : '')),
    };
    return [...bounded('Slurm', fromQueue(own, tag))];
  } catch {
    // it could not be asked, or does not know the id
    return [];
  }
}
