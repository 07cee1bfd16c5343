import type { JobQuery } from '../../src/schedulers/job.js';
import { recorded, recordings } from '../recordings/recordings.js';
import { always, among, inTurn, isArray, type Own, type Queue, says } from './parts.js';

const all = () => recordings('gridengine');
const numbered = (job: string, id: string): string => job.replace(/(?<=<JB_job_number>|^job_number: +)\d+/m, id);

/** The others are of the same user: qstat can't leave them out. Half of them wait. */
export const sge: Queue = (query, own, others) => {
  const mixed = recorded(all(), 'status.all.qstat-r-xml').stdout;
  // what stands between the two lists of jobs, and around them
  const [head, middle, end] = mixed.split(/(?: *<job_list state.*?<\/job_list>\n)+/s);
  const [running, pending] = [jobsOf(mixed, 'running'), jobsOf(mixed, 'pending')];
  const half = others.length / 2;
  const told = [
    ...among(others.slice(0, half), (id, n) => numbered(inTurn(running, n), id), ours(query, own)),
    middle,
    ...others.slice(half).map((id, n) => numbered(inTurn(pending, n), id)),
  ];
  return {
    qstat: { '-u': says([head, ...told, end].join('')), '-j': says(details(own)) },
    qacct: { '*': recorded(all(), 'status.array-running.parent.qacct-j') },
    qsub: always(isArray(own) ? `${own[0]?.job}.1-${own.length}:1\n` : `${own[0]?.job}\n`),
  };
};

const jobsOf = (text: string, state: string): string[] =>
  text.match(new RegExp(` *<job_list state="${state}">.*?</job_list>\n`, 'gs')) ?? [];

function ours({ tag }: JobQuery, own: readonly Own[]): string[] {
  const { stdout } = recorded(all(), 'status.array-running.parent.qstat-xml-r');
  const tasks = jobsOf(stdout, 'running').filter(job => job.includes('<tasks>'));
  return own.map(({ job, task }, n) =>
    numbered(inTurn(tasks, n), job)
      .replaceAll(/(?<=_name>)arr3/g, tag)
      .replace(/( *<tasks>)\d+(.*\n)/, task === undefined ? '' : `$1${task}$2`),
  );
}

/** `qstat -j`: a line of use for each task, or a block for each job. */
function details(own: readonly Own[]): string {
  if (!isArray(own))
    return own.map(one => numbered(recorded(all(), 'status.running.qstat-j').stdout, one.job)).join('');
  const { stdout } = recorded(all(), 'status.array-running.parent.qstat-j');
  const [line = ''] = /^usage .*\n/m.exec(stdout) ?? [];
  const use = own.map(({ task }) => line.replace(/ {9}1(?=:)/, String(task).padStart(10)));
  return numbered(stdout, own[0]?.job as string)
    .replace(/(^usage .*\n)+/m, use.join(''))
    .replace('1-3:1', `1-${own.length}:1`);
}
