import { SchedulerError } from '../../errors.js';
import { compareMachines, parseMachine } from '../../hosts/machine.js';
import { render, templateText } from '../../templates.js';
import type { BatchJobState, BatchJobStatus, Output } from '../job.js';
import { scriptProblem } from '../ownoptions.js';
import type { Scheduler } from '../scheduler.js';

/**
 * Glide-ins as plain processes of one machine: for `--site local`, and for nodes that the user has without a batch
 * system. Processes are found by a marker in their environment (proc(5), /proc/PID/environ), so no state file can be
 * wrong about them.
 */
export const fork: Scheduler = {
  name: 'fork',

  submit(job) {
    const script = render('batch/fork', { job });
    const argv = ['sh', '-c', scriptOf('fork-submit'), 'fork-submit', job.dir, job.tag, String(job.count)];
    return { argv: [...argv, String(job.walltime), job.logDir], stdin: script, script };
  },

  parseSubmit(out) {
    const id = /^(\d+)\s*$/m.exec(out.stdout)?.[1];
    if (out.exitCode === 0 && id) return id;
    throw new SchedulerError(`could not start the glide-ins' processes: ${words(out)}`);
  },

  list: ({ dir, tag }) => [{ argv: ['sh', '-c', scriptOf('fork-list'), 'fork-list', dir, tag] }],

  parseList([out]) {
    const now = /^now (\d+) (\S+)$/m.exec(out?.stdout ?? '');
    if (out?.exitCode !== 0 || !now)
      throw new SchedulerError(`could not look for the glide-ins' processes: ${words(out)}`);
    const node = now[2] as string;
    const live = new Set([...out.stdout.matchAll(/^live (\d+_\d+)$/gm)].map(m => m[1] as string));
    const here = parseMachine(/^here (.*)$/m.exec(out.stdout)?.[1]);
    const on = new Map([...out.stdout.matchAll(/^on (\d+_\d+) (.*)$/gm)].map(m => [m[1] as string, m[2] as string]));
    const found: BatchJobStatus[] = [];
    for (const [, id, start, walltime, exit, cancelled] of out.stdout.matchAll(
      /^job (\d+_\d+) (\d+) (\d+) (\d+|-) (yes|no)$/gm,
    )) {
      const running = live.delete(id as string);
      const machine = parseMachine(on.get(id as string));
      const there = machine && here ? compareMachines(machine, here) : 'same';
      if (!running && exit === '-' && there === 'other')
        throw new SchedulerError(`the glide-ins run on ${machine?.name}, if they run; this is ${here?.name}`, {
          hint: `run the same command on ${machine?.name}`,
        });
      const [state, word] = running ? (['running', 'alive'] as const) : ended(exit as string, cancelled === 'yes');
      found.push({
        ...{ id: id as string, jobId: jobOf(id as string), state, word, node },
        ...(running ? { secondsLeft: Math.max(0, Number(start) + Number(walltime) - Number(now[1])) } : {}),
        ...(exit === '-' ? {} : { exitCode: Number(exit) }),
        ...(word === 'vanished' ? { reason: whyVanished(there) } : {}),
      });
    }
    // alive, although there is no record: the directory was removed while it ran
    for (const id of live) found.push({ id, jobId: jobOf(id), state: 'running', word: 'alive', node });
    return found;
  },

  // the same kernel answers for all processes
  absence: { seconds: 0, source: 'proc(5): a process that exists has a directory in /proc' },

  cancel: (ids, { dir, tag }) => ({
    argv: ['sh', '-c', templateText('batch/fork-cancel.sh'), 'fork-cancel', dir, tag, ...ids],
  }),

  parseCancel(out) {
    if (out.exitCode !== 0) throw new SchedulerError(`could not end the glide-ins' processes: ${words(out)}`);
  },

  survey: {
    title: 'plain processes',
    // fork needs only the system's own tools
    programs: ['bash', 'setsid', 'timeout', 'base64'],
    version: { command: { argv: ['uname', '-sr'] }, parse: out => out.stdout.trim() || undefined },
  },

  directiveProblem: directive => scriptProblem(directive) ?? 'has no meaning for the scheduler fork; remove it',
  isThisMachine: true,
};

function ended(exit: string, cancelled: boolean): [BatchJobState, string] {
  if (cancelled) return ['cancelled', 'cancelled'];
  if (exit === '-') return ['failed', 'vanished'];
  return exit === '0' ? ['finished', 'exited'] : ['failed', 'exited'];
}

const whyVanished = (there: 'same' | 'restarted' | 'other'): string =>
  there === 'restarted' ? 'the machine was restarted' : 'its process ended without an exit status';

const scriptOf = (name: string): string => `${templateText('site/machine.sh')}\n${templateText(`batch/${name}.sh`)}`;
const jobOf = (id: string): string => id.split('_')[0] as string;
const words = (out: Output | undefined): string =>
  (out?.stderr || out?.stdout || 'no answer').trim().split('\n').slice(-3).join('; ');
