import { afterAll, describe, expect, it, vi } from 'vitest';
import { type Answer, says } from '../lab/standins/answer.js';
import { full } from '../lab/standins/family.js';
import { words } from '../lab/standins/getopt.js';
import type { Job, Known } from '../lab/standins/pbs/attributes.js';
import * as commands from '../lab/standins/pbs/commands.js';
import { pbsnodes } from '../lab/standins/pbs/nodes.js';
import { orderOf } from '../lab/standins/pbs/order.js';
import { bars, json, table, wideTable } from '../lab/standins/pbs/show.js';
import { away, queues, type Site } from '../lab/standins/pbs/site.js';
import { type Recording, recorded, recordings } from '../recordings/recordings.js';
import { pbsScripts } from './scripts.js';

/** The lab's PBS says, of the same facts, what the real one was recorded to say: letter by letter. */

// ctime(3) is told in the time zone of whoever asks
vi.stubEnv('TZ', 'UTC');
afterAll(() => vi.unstubAllEnvs());
const all = recordings('openpbs');
const site: Site = { server: 'pbs01', host: 'pbs01.example.org', queues: queues('02:00:00', 8) };
const home = { HOME: '/home/alice', LOGNAME: 'alice', PATH: '/opt/pbs/bin:/usr/local/bin:/usr/bin:/bin' };
const env = { ...home, MAIL: '/var/mail/alice', SHELL: '/bin/bash', LANG: 'C.UTF-8' };

/** A recorded `… | qsub ARGS`, typed again. */
function typed(cmd: string) {
  const [before = '', after = ''] = cmd.includes('| qsub') ? cmd.split(/\| (?=qsub)/) : ['', cmd];
  const [, ...args] = words(after.replace(/ < .*/, ''));
  const input = / < (\S+)/.exec(after)?.[1];
  const piped = /printf '(.*)'/s.exec(before)?.[1]?.replaceAll('\\n', '\n');
  const stdin = () => (input ? (pbsScripts[input] as string) : (piped ?? 'a command\n'));
  const file = (path: string) => pbsScripts[path];
  return orderOf({ args, stdin, file, env, user: 'alice', host: site.host, dir: '/home/alice/jobs' }, site);
}

function orderIn(submission: string): Job['order'] {
  const read = typed(recorded(all, submission).cmd);
  if (!('order' in read)) throw new Error(`${submission} was refused: ${read.refusal.stderr}`);
  return read.order;
}

const field = (text: string, name: string): string => new RegExp(`^ {4}${name} = (.*)$`, 'm').exec(text)?.[1] ?? '';
const time = (text: string, name: string): Date => new Date(`${field(text, name)} UTC`);

/** What Slurm would know of a recorded job, and what only its node does. */
function facts(text: string, submission: string, state: Job['state'], more: Partial<Job> = {}) {
  const [, id, task] = /^Job Id: (\d+)(?:\[(\d+)\])?/m.exec(text) as unknown as [string, string, string | undefined];
  const started = field(text, 'stime') ? { started: time(text, 'stime'), nodes: ['pbs01'] } : {};
  const ended = state === 'over' ? { ended: time(text, field(text, 'obittime') ? 'obittime' : 'mtime') } : {};
  const job: Job = {
    ...{ id: Number(id), state, why: '', end: 'exit', code: 0, signal: 0, nodes: [], order: orderIn(submission) },
    ...{ submitted: time(text, 'ctime'), ...started, ...ended, ...(task ? { task: Number(task) } : {}), ...more },
  };
  const before = /beforeok:\S+/.exec(text)?.[0];
  const held = /^ {4}comment = (Job held by .*)$/m.exec(text)?.[1];
  const about = {
    slots: field(text, 'exec_host'),
    vnodes: field(text, 'exec_vnode'),
    session: field(text, 'session_id'),
  };
  const known: Known = { ...about, ...(before ? { before } : {}), ...(held ? { comment: held } : {}) };
  return { job, known };
}

function world(jobs: readonly Job[], more: Partial<commands.World> = {}): commands.World {
  const nothing = () => {};
  return { site, user: 'alice', now: new Date(), jobs, cancel: nothing, hold: nothing, release: nothing, ...more };
}

/** What nobody measures in the lab, and clocks that went on between one recorded command and the next. */
const plain = (text: string): string =>
  text
    .replaceAll(/("?v?mem"?( = |=|:\t"))\d+kb(?=["\n|])/g, '$1?')
    .replaceAll(/("timestamp":\t)\d+/g, '$1?')
    .replaceAll(/(^ {4}mtime = |\|mtime=|"mtime":\t"?)[^\n|"]*/gm, '$1?')
    .replaceAll(/(resources_used\.walltime( = |=)|"walltime":\t")\d\d:\d\d:\d\d(?=["\n|])/g, '$1?');

const saying = ({ stdout, stderr, exit }: Answer | Recording) => ({ stdout: plain(stdout), stderr, exit });
const argsOf = (cmd: string): string[] => words(cmd.replace(/^timeout \d+ /, '')).slice(1);

const forms =
  'qstat qstat-t qstat-a qstat-x qstat-f qstat-f-json qstat-xans1 qstat-xf qstat-xf-w qstat-xf-json qstat-xf-dsv'.split(
    ' ',
  );

/** Situation, submission, state and what else Slurm knows. */
const situations: [string, string, Job['state'], Partial<Job>?][] = [
  ['queued-stopped-queue', 'submit.to-stopped-queue', 'queued', { why: 'PartitionDown' }],
  ['held', 'submit.held', 'held', { why: 'JobHeldUser' }],
  ['held-qhold', 'submit.tohold', 'held', { why: 'JobHeldUser' }],
  ['waiting', 'submit.waiting', 'waits', { why: 'BeginTime' }],
  ['running', 'submit.running', 'running'],
  ['finished-ok', 'submit.exit0', 'over'],
  ['finished-exit3', 'submit.exit3', 'over', { code: 3 }],
  ['killed-sig9', 'submit.kill9-self', 'over', { code: 137 }],
  ['killed-sig15', 'submit.term-self', 'over', { code: 143 }],
  ['killed-walltime', 'submit.walltime', 'over', { end: 'limit', signal: 24 }],
  ['bad-shell', 'submit.badshell', 'over', { code: 254 }],
  ['cmd-not-found', 'submit.cmd-not-found', 'over', { code: 127 }],
  ['cancelled-pending', 'submit.tocancel', 'over', { end: 'cancelled', why: 'PartitionDown' }],
  ['exiting', 'submit.exit0', 'ending'],
];

/** How one was submitted is not recorded: what was asked for is. */
const output = { join: 'oe', output: '/home/alice/jobs/fifo.out' };
const otherwise: Record<string, Partial<Job['order']>> = {
  exiting: { name: 'fifojob', ...output, args: '-N fifojob -j oe -o /home/alice/jobs/fifo.out' },
};

describe.each(situations)('a job %s', (situation, submission, state, more) => {
  const told = recorded(all, `status.${situation}.qstat-xf-w`).stdout;
  const cases = all.filter(r => forms.some(form => r.case === `status.${situation}.${form}`));
  const { job, known } = facts(told, submission, state, more);

  it('there are recordings', () => expect(cases.length).toBeGreaterThan(9));
  it.each(cases.map(r => [r.case, r] as const))('%s', (_, r) => {
    const used = field(told, 'resources_used.walltime')
      .split(':')
      .reduce((sum, part) => sum * 60 + Number(part), 0);
    const now = new Date((job.started?.getTime() ?? 0) + used * 1000);
    const one = { ...job, order: { ...job.order, ...otherwise[situation] } };
    expect(saying(commands.qstat(argsOf(r.cmd), world([one], { now, known: () => known })))).toEqual(saying(r));
  });
});

describe('arrays', () => {
  const text = recorded(all, 'status.array-queued.parent.qstat-xf-w').stdout;
  const { job } = facts(text, 'submit.array-queued', 'queued', { why: 'PartitionDown' });
  const tasks = [1, 2, 3].map(task => ({ ...job, task }));
  const queued = all.filter(r => /^status\.array-queued\.(parent\.)?qstat/.test(r.case));
  it.each(queued.map(r => [r.case, r] as const))('%s', (_, r) => {
    expect(saying(commands.qstat(argsOf(r.cmd), world(tasks)))).toEqual(saying(r));
  });

  const blocks = recorded(all, 'status.array-finished.qstat-xtf').stdout.split(/(?<=\n\n)/);
  const done = blocks.slice(1, 4).map(block => facts(block, 'submit.array', 'over'));
  const over = done.map((one, n) => ({ ...one.job, code: n + 1 }));
  const known = (one: Job): Known => done[(one.task ?? 1) - 1]?.known ?? {};
  const finished = all.filter(r => /^status\.array-finished\.(parent\.)?qstat/.test(r.case));
  it.each(finished.map(r => [r.case, r] as const))('%s', (_, r) => {
    expect(saying(commands.qstat(argsOf(r.cmd), world(over, { known })))).toEqual(saying(r));
  });

  it.each(['cancel.array-after.qstat-xt-json', 'cancel.array-subjob-after.qstat-xt-json'])('%s', name => {
    const r = recorded(all, name);
    const ended = new Date('Sun Nov 22 03:13:25 2026 UTC');
    const gone = { state: 'over', end: 'cancelled', ended } as const;
    const left = tasks.map(one => (name.includes('subjob') && one.task !== 2 ? one : { ...one, ...gone }));
    // a task that never began is told as history only by the letter
    const substates = (t: string): string => t.replaceAll(/("substate":\t)\d+/g, '$1?');
    const answer = commands.qstat(argsOf(r.cmd), world(left));
    expect({ ...answer, stdout: substates(plain(answer.stdout)) }).toEqual({
      ...saying(r),
      stdout: substates(plain(r.stdout)),
    });
  });

  it('are selected by name, as one or by task', () => {
    const again = tasks.map(one => ({ ...one, id: 79 }));
    for (const name of ['status.array-queued.qselect', 'status.array-queued.qselect-T']) {
      const r = recorded(all, name);
      expect(saying(commands.qselect(argsOf(r.cmd), world(again)))).toEqual(saying(r));
    }
  });
});

describe('a job that is being deleted', () => {
  const told = (text: string) =>
    ['job_state', 'substate', 'exec_host', 'comment', 'Exit_status'].map(name => [
      name,
      field(text.replaceAll('\n\t', ''), name),
    ]);
  const order = { ...orderIn('submit.running'), host: 'login' };
  const chunk = { ...order.chunk, count: 2, cores: 4, memory: '8000mb' };
  const one: Job = {
    ...{ id: 3019, state: 'ending', why: '', end: 'cancelled', code: 0, signal: 0, submitted: new Date() },
    ...{ nodes: ['c1', 'c2'], started: new Date('2026-11-28T21:06:00Z'), order: { ...order, chunk } },
  };
  it.each(['status.being-deleted.qstat-f', 'status.being-deleted-later.qstat-xf'])('%s', name => {
    const { cmd, stdout } = recorded(all, name);
    const job = { ...one, started: time(stdout, 'stime') };
    const history = cmd.includes('-x') ? ['-x'] : [];
    const said = commands.qstat([...history, '-f', '3019'], world([job])).stdout;
    expect(told(said)).toEqual(told(stdout));
  });

  it('a plain job that is named as an array ends the program, and nothing is cancelled', () => {
    const done: Job[] = [];
    const r = recorded(all, 'quirk.qdel-plain-as-array');
    const there = world([one], { cancel: jobs => void done.push(...jobs) });
    const said = commands.qdel(['3019', '3019[]'], there);
    expect([said.exit, r.stderr.startsWith(said.stderr)]).toEqual([r.exit, true]);
    expect(done).toEqual([]);
  });

  it('so does a plain job beside a task of an array', () => {
    const done: Job[] = [];
    const r = recorded(all, 'cancel.task-and-job');
    const there = world([{ ...one, id: 11 }, ...[1, 2].map(task => ({ ...one, id: 12, task }))], {
      cancel: jobs => void done.push(...jobs),
    });
    const said = commands.qdel(['12[2]', '11'], there);
    expect([said.exit, r.stderr.startsWith(said.stderr)]).toEqual([r.exit, true]);
    expect(done).toEqual([]);
    expect(commands.qdel(['12[]', '11'], there).exit).not.toBe(r.exit);
  });
});

describe('one job’s attributes in all forms', () => {
  const parsed = (text: string) =>
    text.split(/^(?=Job Id: )/m).map(block => {
      const lines = [...block.matchAll(/^ {4}([\w.]+) = (.*)$/gm)];
      return {
        id: /^Job Id: (.*)/.exec(block)?.[1] ?? '',
        attributes: lines.map(([, name = '', value = '']) => [name, value] as const),
      };
    });
  type Jobs = ReturnType<typeof parsed>;
  const renderings: Record<string, (jobs: Jobs) => string> = {
    'qstat-xf-w': jobs => full(jobs),
    'qstat-xf': jobs => full(jobs, 79),
    'qstat-xf-dsv': bars,
    'qstat-xf-json': jobs => json(jobs, 'pbs01', new Date()),
    'qstat-x': table,
    'qstat-xans1': jobs => wideTable(jobs, 'pbs01', { nodes: true, comments: true }),
  };
  // these hold what JSON tells in ways of its own; one job was suspended while it was asked for
  const cases = all.filter(
    r =>
      r.case.endsWith('.qstat-xf-w') &&
      r.exit === 0 &&
      r.stdout !== '' &&
      !/executable = |substate = 43/.test(r.stdout),
  );
  it('there are recordings', () => expect(cases.length).toBeGreaterThan(15));
  it.each(cases.map(r => [r.case.replace('.qstat-xf-w', ''), r.stdout] as const))('%s', (situation, text) => {
    for (const [form, render] of Object.entries(renderings)) {
      const other = all.find(r => r.case === `${situation}.${form}`);
      if (other) expect(plain(render(parsed(text)))).toBe(plain(other.stdout));
    }
  });
});

describe('qsub', () => {
  const refusals = all.filter(r => r.case.startsWith('err.submit.') && r.exit !== 0);
  // these say what another host is, or count jobs, or are a site's own
  const cases = refusals.filter(r => !/unknown-server|over-limit|hook-rejects/.test(r.case));
  it('there are recordings', () => expect(cases.length).toBeGreaterThan(15));
  it.each(cases.map(r => [r.case, r] as const))('%s', (_, r) => {
    const read = typed(r.cmd);
    expect('refusal' in read && saying(read.refusal)).toEqual(saying(r));
  });
  const accepted = all.filter(
    r => /^(err\.)?submit\./.test(r.case) && r.exit === 0 && !/export |limited| -- /.test(r.cmd),
  );
  it.each(accepted.map(r => [r.case, r.cmd] as const))('%s', (_, cmd) => expect(typed(cmd)).toHaveProperty('order'));
});

describe('answers of the others', () => {
  const job = (id: number, more: Partial<Job> = {}): Job => ({
    ...{ id, state: 'queued', why: '', end: 'exit', code: 0, signal: 0, submitted: new Date(), nodes: [] },
    ...{ order: orderIn('submit.to-stopped-queue'), ...more },
  });
  const bobs = { ...orderIn('submit.to-stopped-queue'), user: 'bob' };
  const over = { state: 'over', started: new Date(), ended: new Date() } as const;
  const jobs = [
    ...[job(42), job(43, over), job(53), job(54), job(55), job(56), job(57), job(58, { order: bobs })],
    ...[1, 2, 3].map(task => job(59, { task })),
    ...[1, 2, 3].map(task => job(60, { task })),
    ...[job(61, { task: 0 }), job(77), job(1000, { state: 'ending', started: new Date() })],
  ];
  const done = new Map<string, readonly Job[]>();
  const note = (what: string) => (chosen: readonly Job[]) => void done.set(what, chosen);
  const there = world(jobs, { cancel: note('cancel'), hold: note('hold'), release: note('release') });
  const run = (cmd: string, at: commands.World = there): Answer => {
    const [program = '', ...args] = words(cmd);
    const { qstat, qdel, qhold, qrls, qselect } = commands;
    const known: Record<string, (args: string[], at: commands.World) => Answer> = { qstat, qdel, qhold, qrls, qselect };
    return known[program]?.(args, at) ?? says(`no ${program}`);
  };
  const silent = ['pending', 'running', 'several', 'array', 'array-subjob', 'array-noserver'].map(c => `cancel.${c}`);
  const refused = ['exiting', 'other-user', 'several-mixed'].map(c => `cancel.${c}`);
  const errors = all.filter(r => /^err\.(status|cancel)\./.test(r.case)).map(r => r.case);
  // asked with the history off, which answers otherwise
  const there_ = errors.filter(name => !/qstat-xf-json$/.test(name));
  const more = [
    'hold.qhold',
    'status.array-sub-unknown.qstat',
    'status.array-unquoted-base.qstat',
    'queues.qstat-Q-unknown',
  ];
  it.each([...silent, ...refused, ...there_, ...more, 'select.by-name-none'])('%s', name => {
    const r = recorded(all, name);
    expect(saying(run(r.cmd))).toEqual(saying(r));
  });
  it.each(['status.none.qselect', 'status.none.qstat', 'status.none.qstat-u', 'status.none.qstat-f-json'])(
    '%s',
    name => {
      const r = recorded(all, name);
      expect(saying(run(r.cmd, world([])))).toEqual(saying(r));
    },
  );
  it('several jobs, of which JSON tells the first', () => {
    const [a, b] = ['queued-stopped-queue', 'running'].map(s => recorded(all, `status.${s}.qstat-xf-w`).stdout);
    const first = facts(a as string, 'submit.to-stopped-queue', 'queued', { why: 'PartitionDown' });
    const second = facts(b as string, 'submit.running', 'running');
    const at = world([first.job, second.job], { known: one => (one.id === 35 ? first.known : second.known) });
    for (const form of ['qstat', 'qstat-f-json']) {
      const r = recorded(all, `status.several-some-unknown.${form}`);
      expect(saying(run(r.cmd, at))).toEqual(saying(r));
    }
  });
  it('what they do', () => {
    run("qdel '60[2]'");
    expect(done.get('cancel')?.map(j => j.task)).toEqual([2]);
    run("qdel '60[]'");
    expect(done.get('cancel')).toHaveLength(3);
    run('qhold 42');
    expect(done.get('hold')?.map(j => j.id)).toEqual([42]);
  });
  it('the server is away', () => {
    for (const name of ['pbsnodes', 'qdel', 'qselect', 'qstat', 'qstat-Q', 'qstat-f-json', 'qsub']) {
      const r = recorded(all, `down.${name}`);
      const [program = '', ...args] = words(r.cmd);
      expect(saying(away(site, program, args, new Date()))).toEqual(saying(r));
    }
    for (const name of ['version.pbsnodes', 'version.qdel', 'version.qselect', 'down.qstat-version'])
      expect(saying(commands.versionAnswer)).toEqual(saying(recorded(all, name)));
  });
  it('queues', () => {
    const lines = (text: string) => text.split('\n').filter(line => !/^limited/.test(line));
    const runs = { order: orderIn('submit.running'), state: 'running', started: new Date() } as const;
    const at = world([job(4, runs), job(5, runs)]);
    expect(lines(run('qstat -Q', at).stdout)).toEqual(lines(recorded(all, 'queues.qstat-Q').stdout));
    const blocks = (text: string) => text.split(/(?<=\n\n)/).filter(block => !/^Queue: limited/.test(block));
    for (const form of ['qstat-Qf', 'qstat-Q-one']) {
      const r = recorded(all, `queues.${form}`);
      expect(blocks(run(r.cmd, at).stdout)).toEqual(blocks(r.stdout));
    }
    const count = (text: string) => text.replace(/total_jobs = .*/, '?');
    expect(count(run('qstat -B -f', at).stdout)).toBe(count(recorded(all, 'server.qstat-Bf').stdout));
  });
  it('nodes', () => {
    const runs = { order: orderIn('submit.running'), state: 'running', started: new Date(), nodes: ['pbs01'] } as const;
    const node = { name: 'pbs01', isDown: false, cores: 8, memory: 24105.55078125 };
    const r = recorded(all, 'nodes.pbsnodes-a');
    // the machine behind claims more cores than it has
    const told = (text: string) => text.replaceAll(/(pcpus|last_\w+_time) = .*/g, '$1 = ?');
    expect(told(pbsnodes(argsOf(r.cmd), world([job(4, runs), job(5, runs)]), [node]).stdout)).toBe(told(r.stdout));
    for (const [name, isDown] of [
      ['nodes.pbsnodes-l', false],
      ['nodes.down.pbsnodes-l', true],
    ] as const)
      expect(saying(pbsnodes(['-l'], world([]), [{ ...node, isDown }]))).toEqual(saying(recorded(all, name)));
  });
});
