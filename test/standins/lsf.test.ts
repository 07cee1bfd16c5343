import { afterAll, describe, expect, it, vi } from 'vitest';
import { type Answer, says } from '../lab/standins/answer.js';
import { words } from '../lab/standins/getopt.js';
import * as commands from '../lab/standins/lsf/commands.js';
import { orderOf, queues, type Site } from '../lab/standins/lsf/order.js';
import { bhosts, bqueues } from '../lab/standins/lsf/queues.js';
import type { Job, Known } from '../lab/standins/lsf/show.js';
import { type Recording, recorded, recordings } from '../recordings/recordings.js';
import { lsfScripts } from './scripts.js';

/** The lab's LSF says, of the same facts, what OpenLava was recorded to say: letter by letter. */

// ctime(3) is told in the time zone of whoever asks
vi.stubEnv('TZ', 'UTC');
afterAll(() => vi.unstubAllEnvs());
const all = recordings('openlava');
const site: Site = {
  ...{
    cluster: 'openlava',
    master: 'lsf01',
    queues: queues(120, 8),
    queue: 'normal',
    hosts: ['lsf01'],
    cleanPeriod: 60,
  },
};

/** A recorded `… | bsub ARGS`, typed again. */
function typed(cmd: string) {
  const [before = '', after = ''] = cmd.includes('| bsub')
    ? cmd.split(/\| (?=bsub)/)
    : ['', cmd.replace(/^\w+=\S+ /, '')];
  const [, ...args] = words(after.replace(/ < .*/, ''));
  const input = / < (\S+)/.exec(after)?.[1];
  const piped = /(?:printf|echo) "(.*)"/s.exec(before)?.[1]?.replaceAll('\\n', '\n').replaceAll('\\$', '$');
  const stdin = () => (input ? (lsfScripts[input] as string) : (piped ?? ''));
  const env = { HOME: '/home/alice' };
  return orderOf(
    { args, stdin, file: () => undefined, env, user: 'alice', host: 'lsf01', dir: '/home/alice/jobs' },
    site,
  );
}

function orderIn(submission: string): Job['order'] {
  const read = typed(recorded(all, submission).cmd);
  if (!('order' in read)) throw new Error(`${submission} was refused: ${read.refusal.stderr}`);
  return read.order;
}

const moment = (text: string, before: RegExp): Date | undefined => {
  const found = new RegExp(`^\\w{3} (\\w{3} \\d+ \\d\\d:\\d\\d:\\d\\d): (?:${before.source})`, 'm').exec(text);
  return found ? new Date(`${found[1]} 2026 UTC`) : undefined;
};

/** What Slurm would know of a recorded job, and what only its node does. */
function facts(bhist: string, submission: string, state: Job['state'], more: Partial<Job> = {}) {
  const [, id, task] = /Job Id <(\d+)(?:\[(\d+)\])?>/.exec(bhist) as unknown as [string, string, string | undefined];
  const [started, ended] = [moment(bhist, /Dispatched/), moment(bhist, /Done|Exited/)];
  const job: Job = {
    ...{ id: Number(id), state, why: '', end: 'exit', code: 0, signal: 0, nodes: [], order: orderIn(submission) },
    ...{ submitted: moment(bhist, /Submitted/) as Date, ...(task ? { task: Number(task) } : {}) },
    ...(started ? { started, nodes: ['lsf01'] } : {}),
    ...(ended ? { ended } : {}),
    ...more,
  };
  const killed = moment(bhist, /Signal <KILL>/);
  const stopped = moment(bhist, /Suspended by the user or administrator while pending/);
  const done = [
    ...(killed ? [{ at: killed, what: 'killed' as const, by: 'alice' }] : []),
    ...(stopped ? [{ at: stopped, what: 'stopped' as const, by: 'alice' }] : []),
  ];
  const pid = /Starting \(Pid (\d+)\)/.exec(bhist)?.[1];
  const now = new Date(`${/various states by {2}\w{3} (.*)/.exec(bhist)?.[1]} 2026 UTC`);
  return { job, known: { done, ...(pid ? { pid } : {}) } as Known, now };
}

function world(jobs: readonly Job[], more: Partial<commands.World> = {}): commands.World {
  const nothing = () => {};
  return { site, user: 'alice', now: new Date(), jobs, kill: nothing, stop: nothing, resume: nothing, ...more };
}

const saying = ({ stdout, stderr, exit }: Answer | Recording) => ({ stdout, stderr, exit });
const run = (cmd: string, at: commands.World): Answer => {
  const [program = '', ...args] = words(cmd);
  const { bjobs, bhist, bkill, bstop, bresume } = commands;
  const known: Record<string, (args: string[], at: commands.World) => Answer> = {
    bjobs,
    bhist,
    bkill,
    bstop,
    bresume,
    bqueues,
  };
  return known[program]?.(args, at) ?? says(`no ${program}`);
};

const forms = 'bjobs bjobs-w bjobs-a-w bjobs-noheader-w bjobs-l bjobs-p bhist-l'.split(' ');

/** Situation, submission, state and what else Slurm knows. */
const situations: [string, string, Job['state'], Partial<Job>?][] = [
  ['queued-inactive-queue', 'submit.to-inactive-queue', 'queued', { why: 'PartitionDown' }],
  ['held-psusp', 'submit.held', 'held', { why: 'JobHeldUser' }],
  ['held-bstop', 'submit.to-inactive-queue', 'held', { why: 'JobHeldUser' }],
  ['begin-time', 'submit.begin-time', 'waits', { why: 'BeginTime' }],
  ['running', 'submit.running', 'running'],
  ['finished-ok', 'submit.forget', 'over'],
  ['finished-exit3', 'submit.forget', 'over', { code: 3 }],
  ['killed-sig9', 'submit.kill9-self', 'over', { code: 137 }],
  ['killed-walltime', 'submit.walltime', 'over', { end: 'limit', signal: 24 }],
  ['bad-shell', 'submit.bad-shell', 'over', { code: 127 }],
  ['cancelled-pending', 'submit.tocancel', 'over', { end: 'cancelled' }],
  ['cancelled-running', 'submit.tocancel-running', 'over', { signal: 2 }],
];

/** Some were submitted in ways that were not recorded: their command, name, limit and output are. */
const otherwise: Record<string, Partial<Job['order']>> = {
  'held-bstop': { name: 'hold2', command: 'sleep 400', limit: undefined },
  'finished-ok': { name: 'ok0', command: 'exit 0', output: '/home/alice/jobs/ok0.out' },
  'finished-exit3': { name: 'fail3', command: 'exit 3', output: '/home/alice/jobs/fail3.out' },
};

describe.each(situations)('a job %s', (situation, submission, state, more) => {
  const told = recorded(all, `status.${situation}.bhist-l`).stdout;
  const cases = all.filter(r => forms.some(form => r.case === `status.${situation}.${form}`));
  const { job, known, now } = facts(told, submission, state, more);
  const order = { ...job.order, ...otherwise[situation] };
  const long = recorded(all, `status.${situation}.bjobs-l`).stdout;
  const usage = /Resource usage collected\.\n {21}(.*)\n {21}(.*)\n/.exec(long)?.slice(1) ?? [];
  const reported =
    usage.length > 0
      ? { usage: [`${/^(.*): Resource usage/m.exec(long)?.[1]}: Resource usage collected.`, ...usage] }
      : {};

  it('there are recordings', () => expect(cases.length).toBeGreaterThan(5));
  it.each(cases.map(r => [r.case, r] as const))('%s', (_, r) => {
    const at = world([{ ...job, order }], { now, known: () => ({ ...known, ...reported }) });
    expect(saying(run(r.cmd, at))).toEqual(saying(r));
  });
});

describe('arrays', () => {
  const tasksOf = (name: string, submission: string, state: Job['state']) =>
    recorded(all, name)
      .stdout.split(/^-+$/m)
      .map(record => facts(record, submission, state));
  const at = (tasks: ReturnType<typeof tasksOf>, usage: readonly string[] = []) =>
    world(
      tasks.map(one => one.job),
      {
        now: tasks[0]?.now as Date,
        known: one => ({
          ...tasks[(one.task ?? 1) - 1]?.known,
          usage: usage.map(line => line.replace('PID', String(1883 + 2 * (one.task ?? 0)))),
        }),
      },
    );
  const queued = tasksOf('status.array-queued.parent.bhist-l', 'submit.array-queued', 'queued');
  const running = tasksOf('status.array-running.parent.bhist-l', 'submit.array', 'running');
  const usage = [
    'Sun Nov 22 03:14:25: Resource usage collected.',
    'MEM: 5 Mbytes;  SWAP: 12 Mbytes',
    'PGID: PID;  PIDs: PID ',
  ];
  const line = (text: string) => text.replace('PGID: PID;  PIDs: PID', 'PGID: PID;  PIDs: PID');

  const waiting = all.filter(r =>
    /^status\.array-queued\.(parent\.)?(bjobs(-w|-a-w|-l)?|bhist-l|bjobs-noheader-w)$/.test(r.case),
  );
  it.each(waiting.map(r => [r.case, r] as const))('%s', (_, r) =>
    expect(saying(run(r.cmd, at(queued)))).toEqual(saying(r)),
  );
  const going = all.filter(r =>
    /^status\.array-(running|by-name|by-name-elem)\.(parent\.|elem2\.)?(bjobs(-w|-a-w|-A)?|bhist-l|bjobs-noheader-w)$/.test(
      r.case,
    ),
  );
  it.each(going.map(r => [r.case, r] as const))('%s', (_, r) =>
    expect(saying(run(r.cmd, at(running)))).toEqual(saying(r)),
  );
  it.each(['parent', 'elem2'])('status.array-running.%s.bjobs-l', which => {
    const r = recorded(all, `status.array-running.${which}.bjobs-l`);
    const both = (text: string) => text.replaceAll(/(PGID: |PIDs: )\d+/g, '$1PID');
    expect(both(run(r.cmd, at(running, usage.map(line))).stdout)).toBe(both(r.stdout));
  });

  it('over', () => {
    const over = running.map(
      ({ job }, n): Job => ({ ...job, state: 'over', code: n + 1, ended: new Date('Nov 22 03:14:37 2026 UTC') }),
    );
    const r = recorded(all, 'status.array-finished.parent.bjobs-l');
    // which of them came first at its end nobody can tell here
    const records = (text: string) =>
      text
        .split(/^-{78}$/m)
        .map(one => one.trim())
        .sort();
    const now = new Date('Nov 22 03:14:40 2026 UTC');
    expect(records(run(r.cmd, world(over, { now })).stdout)).toEqual(records(r.stdout));
  });
});

describe('bsub', () => {
  const cases = all.filter(
    r => r.case.startsWith('err.submit.') && r.exit !== 0 && r.cmd.includes('bsub') && !/bad-dependency/.test(r.case),
  );
  it('there are recordings', () => expect(cases.length).toBeGreaterThan(15));
  it.each(cases.map(r => [r.case, r] as const))('%s', (_, r) => {
    const read = typed(r.cmd);
    expect('refusal' in read && saying(read.refusal)).toEqual(saying(r));
  });
  const accepted = all.filter(
    r => /^(err\.)?submit\./.test(r.case) && r.exit === 0 && r.cmd.includes('bsub') && !/-q post/.test(r.cmd),
  );
  it.each(accepted.map(r => [r.case, r] as const))('%s', (_, r) => {
    const read = typed(r.cmd);
    if (!('order' in read)) throw new Error(read.refusal.stderr);
    const id = /<(\d+)>/.exec(r.stdout)?.[1];
    expect(`Job <${id}> is submitted to ${read.isDefault ? 'default ' : ''}queue <${read.order.queue}>.\n`).toBe(
      r.stdout,
    );
  });
});

describe('answers of the others', () => {
  const job = (id: number, more: Partial<Job> = {}): Job => ({
    ...{ id, state: 'queued', why: '', end: 'exit', code: 0, signal: 0, submitted: new Date(), nodes: [] },
    ...{ order: orderIn('submit.to-inactive-queue'), ...more },
  });
  const over = { state: 'over', started: new Date(), ended: new Date() } as const;
  const byname = { ...orderIn('submit.multi4') };
  const jobs = [
    ...[job(135, { state: 'held' }), job(136), job(137, over), job(149), job(150), job(151), job(152)],
    ...[job(154, { order: byname }), job(155, { order: byname })],
    ...[1, 2, 3].map(task => job(157, { task })),
  ];
  const done = new Map<string, readonly Job[]>();
  const note = (what: string) => (chosen: readonly Job[]) => void done.set(what, chosen);
  const there = world(jobs, { kill: note('kill'), stop: note('stop'), resume: note('resume') });
  const kills = ['pending', 'running', 'several', 'by-name', 'finished', 'finished-and-unknown'].map(
    c => `cancel.${c}`,
  );
  const errors = all.filter(r => /^err\.(status|cancel)\./.test(r.case) && !r.case.includes('UF')).map(r => r.case);
  const more = ['hold.bstop-pending', 'hold.bresume', 'status.array-elem-unknown.bjobs-w', 'queues.bqueues-unknown'];
  const odd = [
    'select.by-name-none',
    'select.by-name-none-a',
    'select.by-project-none',
    'unsupported.bjobs-json',
    'version.bjobs-h',
  ];
  it.each([...kills, ...errors, ...more, ...odd, 'unsupported.bjobs-o', 'unsupported.bjobs-longopt'])('%s', name => {
    const r = recorded(all, name);
    expect(saying(run(r.cmd, there))).toEqual(saying(r));
  });
  it('what they do', () => {
    run("bkill '157[2]'", there);
    expect(done.get('kill')?.map(j => j.task)).toEqual([2]);
    run('bkill 157', there);
    expect(done.get('kill')).toHaveLength(3);
    const killed = { state: 'over', end: 'cancelled', ended: new Date() } as const;
    const doubtful = run('bkill 157', world(jobs.map(j => (j.task === 2 ? { ...j, ...killed } : j))));
    expect(doubtful).toMatchObject({ stderr: 'Job <157>: Operation is in progress\n', exit: 255 });
  });
  it('bjobs forgets what bhist remembers', () => {
    const ended = new Date(Date.now() - 61_000);
    const gone = world([job(165, { ...over, started: ended, ended })]);
    expect(saying(run('bjobs -w 165', gone))).toEqual(saying(recorded(all, 'status.forgotten.bjobs-w')));
    expect(run('bhist -l 165', gone).stdout).toContain('Done successfully.');
  });
  it('queues, versions', () => {
    const lines = (text: string) => text.split('\n').filter(line => !/^post/.test(line));
    for (const name of ['queues.bqueues', 'queues.bqueues-w', 'queues.bqueues-u']) {
      const r = recorded(all, name);
      expect(lines(run(r.cmd, world([])).stdout)).toEqual(lines(r.stdout));
    }
    for (const name of ['version.bjobs-V', 'version.bsub-V', 'version.lsid-V'])
      expect(saying(commands.versionAnswer)).toEqual(saying(recorded(all, name)));
    expect(saying(commands.lsid(site))).toEqual(saying(recorded(all, 'version.lsid')));
    const blocks = (text: string) => text.split(/^-{79}$/m).filter(one => !/QUEUE: post/.test(one));
    const { stdout } = recorded(all, 'queues.bqueues-l');
    expect(blocks(run('bqueues -l', world([])).stdout)).toEqual(blocks(stdout));
    expect(saying(run('bqueues -l short', world([])))).toEqual(saying(recorded(all, 'queues.bqueues-l-one')));
    const nodes = [{ name: 'lsf01', isDown: false, cores: 8, memory: 24105 }];
    for (const name of ['nodes.bhosts', 'nodes.bhosts-w', 'nodes.bhosts-unknown']) {
      const r = recorded(all, name);
      expect(saying(bhosts(words(r.cmd).slice(1), world([]), nodes))).toEqual(saying(r));
    }
  });
});
