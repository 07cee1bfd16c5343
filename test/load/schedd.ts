// A stand-in for HTCondor's schedd and its glide-ins, for the load that 500 of them would be: schedd.ts DIRECTORY SLOTS.
// It makes the commands that the edge calls (DIRECTORY/bin/condor_submit and others), writes HTCondor's event log, and leaves
// in the directory of each job what the wrapper leaves: a report, and an archive of one changed file. No command of a step is run.
// When it is told to end, it leaves what it knows of the jobs: in DIRECTORY/ran a line STEP TIMES for each step, and in DIRECTORY/told
// of how many files all of them were told.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { tarOf } from './tar.js';

const [dir = '', slots = '1'] = process.argv.slice(2);

interface Job {
  readonly id: string;
  readonly step: string;
  readonly dir: string;
  readonly log: string;
}

const queue: Job[] = [];
const running = new Set<Job>();
const ran = new Map<string, number>();
let told = 0;
let clusters = 0;

const commands: Readonly<Record<string, (args: readonly string[]) => string>> = {
  condor_submit: args => submitted(args.at(-1) as string),
  condor_q: () => JSON.stringify([...queue, ...running].map(adOf)),
  condor_history: () => '',
  condor_rm: args => {
    for (const job of [...queue]) if (args.includes(job.id)) queue.splice(queue.indexOf(job), 1);
    return '';
  },
  condor_status: () => '8 16384 1.0E+08\n'.repeat(Number(slots)),
};

const adOf = (job: Job) => {
  const [cluster, proc] = job.id.split('.').map(Number);
  return { ScailfinStep: job.step, ClusterId: cluster, ProcId: proc, JobStatus: running.has(job) ? 2 : 1 };
};

/** As condor_submit -terse. @param file a description as templates/step/submit.ejs makes it */
function submitted(file: string): string {
  const text = readFileSync(file, 'utf8');
  const value = (name: string): string => new RegExp(`^${name} = (.*)$`, 'm').exec(text)?.[1] ?? '';
  const rows = (/ from \(\n([\s\S]*)\n\)$/m.exec(text)?.[1] ?? '').split('\n');
  const cluster = ++clusters;
  const jobs = rows.map((row, n): Job => {
    const [step = ''] = row.split(' ');
    return { id: `${cluster}.${n}`, step, dir: value('initialdir').replace('$(step)', step), log: value('log') };
  });
  tell(jobs, job => event(0, job, 'Job submitted from host: <127.0.0.1:9618>', `    scailfin-step ${job.step}\n`));
  queue.push(...jobs);
  setImmediate(run);
  return `${cluster}.0 - ${cluster}.${jobs.length - 1}\n`;
}

/** Fills the slots; what is in them ends a moment later. */
function run(): void {
  const jobs = queue.splice(0, Number(slots) - running.size);
  if (jobs.length === 0) return;
  for (const job of jobs) running.add(job);
  const slot = (job: Job): string =>
    `\tSlotName: slot1_1@7_1.a1b2c3d4@c${Number(job.id.split('.')[1]) % Number(slots)}\n`;
  tell(jobs, job => event(1, job, 'Job executing on host: <127.0.0.1:9618?alias=c1>', slot(job)));
  setTimeout(() => {
    for (const job of jobs) leave(job);
    tell(jobs, job => event(5, job, 'Job terminated.', '\t(1) Normal termination (return value 0)\n'));
    for (const job of jobs) running.delete(job);
    run();
  }, 5);
}

/** What the wrapper leaves (templates/step/begin.sh, outputs.sh); the step's command says which file it makes. */
function leave({ dir: job, step }: Job): void {
  ran.set(step, (ran.get(step) ?? 0) + 1);
  // a line for each file, and one for the probe
  told += readFileSync(join(job, 'manifest'), 'latin1').split('\n').length - 2;
  const command = /^command_b64='?([\w+/=]+)/m.exec(readFileSync(join(job, 'step.env'), 'utf8'))?.[1] ?? '';
  const made = / >(\S+)$/.exec(Buffer.from(command, 'base64').toString())?.[1];
  writeFileSync(join(job, 'changed.tar'), tarOf(made === undefined ? [] : [{ path: made, text: `${step}\n` }]));
  writeFileSync(join(job, 'out'), `this is step ${step}\n`);
  writeFileSync(join(job, 'report'), 'version=1\nnode=c1\nshared=no\nexit=0\nfiles_out=1\nfiles_deleted=0\n');
}

function tell(jobs: readonly Job[], text: (job: Job) => string): void {
  if (jobs[0]) appendFileSync(jobs[0].log, jobs.map(text).join(''));
}

/** As HTCondor 23.9 writes it. */
function event(number: number, { id }: Job, title: string, body: string): string {
  const [cluster = '', proc = ''] = id.split('.').map(n => n.padStart(3, '0'));
  const at = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000)
    .toISOString()
    .slice(0, 19)
    .replace('T', ' ');
  return `${String(number).padStart(3, '0')} (${cluster}.${proc}.000) ${at} ${title}\n${body}...\n`;
}

function answer(socket: Socket): void {
  let asked = '';
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', text => {
    asked += text;
    if (!asked.endsWith('\0\0')) return;
    const [name = '', ...args] = asked.slice(0, -2).split('\0');
    socket.end(commands[name]?.(args) ?? '');
  });
}

const server = createServer(answer).listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  const script = `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/${port} || exit 1
{ printf '%s\\0' "\${0##*/}" "$@"; printf '\\0'; } >&3
exec cat <&3
`;
  mkdirSync(join(dir, 'bin'), { recursive: true });
  for (const name of Object.keys(commands)) writeFileSync(join(dir, 'bin', name), script, { mode: 0o755 });
  process.stdout.write('ready\n');
});
process.once('SIGTERM', () => {
  writeFileSync(join(dir, 'told'), String(told));
  writeFileSync(join(dir, 'ran'), [...ran].map(([step, times]) => `${step} ${times}\n`).join(''));
  process.exit(0);
});
