import { afterAll, describe, expect, it, vi } from 'vitest';
import { type Answer, says } from '../lab/standins/answer.js';
import { full } from '../lab/standins/family.js';
import { words } from '../lab/standins/getopt.js';
import type { Job } from '../lab/standins/torque/attributes.js';
import * as commands from '../lab/standins/torque/commands.js';
import { orderOf } from '../lab/standins/torque/order.js';
import { table, wideTable, xml } from '../lab/standins/torque/show.js';
import { away, queues, type Site } from '../lab/standins/torque/site.js';
import { type Recording, recorded, recordings } from '../recordings/recordings.js';
import { torqueScripts } from './scripts.js';

/** The lab's Torque says, of the same facts, what the real one was recorded to say: letter by letter. */

// ctime(3) is told in the time zone of whoever asks
vi.stubEnv('TZ', 'UTC');
afterAll(() => vi.unstubAllEnvs());
const all = recordings('torque');
const site: Site = {
  server: 'torque01',
  address: '10.99.0.3',
  queues: queues('02:00:00'),
  nodes: [{ name: 'torque01', cores: 8 }],
  keepCompleted: 300,
};
const home = { HOME: '/home/alice', LOGNAME: 'alice', PATH: '/opt/torque/bin:/usr/local/bin:/usr/bin:/bin' };
const env = { ...home, MAIL: '/var/mail/alice', SHELL: '/bin/bash', LANG: 'C.UTF-8' };

/** A recorded `… | qsub ARGS`, typed again. */
function typed(cmd: string) {
  const [before, after = ''] = cmd.includes('| qsub') ? cmd.split(/\| (?=qsub)/) : ['', cmd.replace(/^\w+=\S+ /, '')];
  const [, ...args] = words(after.replace(/ < .*/, ''));
  const input = / < (\S+)/.exec(after)?.[1];
  const piped = /printf '(.*)'/s.exec(before as string)?.[1]?.replaceAll('\\n', '\n');
  const stdin = () => (input ? (torqueScripts[input] as string) : (piped ?? 'a command\n'));
  const file = (path: string) => (path === '/dev/null' ? '' : torqueScripts[path]);
  const user = 'alice';
  return orderOf({ args, stdin, file, env, user, host: 'torque01', dir: '/home/alice/jobs' }, site);
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
  const started = field(text, 'start_time') ? { started: time(text, 'start_time'), nodes: ['torque01'] } : {};
  const ended =
    state === 'over' ? { ended: field(text, 'comp_time') ? time(text, 'comp_time') : time(text, 'mtime') } : {};
  const job: Job = {
    ...{ id: Number(id), state, why: '', end: 'exit', code: 0, signal: 0, nodes: [], order: orderIn(submission) },
    ...{ submitted: time(text, 'ctime'), ...started, ...ended, ...(task ? { task: Number(task) } : {}), ...more },
  };
  const before = /beforeok:\S+/.exec(text)?.[0];
  const known = { slots: field(text, 'exec_host'), session: field(text, 'session_id'), ...(before ? { before } : {}) };
  const left = Number(field(text, 'Walltime.Remaining') || 0);
  const limit = field(text, 'Resource_List.walltime')
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0);
  const now = new Date((job.started ?? job.submitted).getTime() + (limit - left) * 1000);
  return { job, known, now };
}

function world(jobs: readonly Job[], more: Partial<commands.World> = {}): commands.World {
  const nothing = () => {};
  return { site, user: 'alice', now: new Date(), jobs, cancel: nothing, hold: nothing, release: nothing, ...more };
}

/** What nobody measures in the lab, and clocks that went on between one recorded command and the next. */
const plain = (text: string): string =>
  text
    .replaceAll(/(resources_used\.v?mem = |<v?mem>)\d+kb/g, '$1?')
    .replaceAll(/(total_runtime( = |>))[\d.]+/g, '$1?')
    .replaceAll(/(Remaining(>| = ))\d+/g, '$1?')
    .replaceAll(/( R +)\d\d:\d\d:\d\d/g, '$1?');

const saying = ({ stdout, stderr, exit }: Answer | Recording) => ({ stdout: plain(stdout), stderr, exit });
const argsOf = (cmd: string): string[] => words(cmd.replace(/^timeout \d+ /, '')).slice(1);

const forms = ['qstat', 'qstat-t', 'qstat-a', 'qstat-n1', 'qstat-f', 'qstat-f1', 'qstat-ft', 'qstat-x', 'qstat-fx'];

/** Situation, submission, state and what else Slurm knows. */
const situations: [string, string, Job['state'], Partial<Job>?][] = [
  ['queued-stopped-queue', 'submit.to-stopped-queue', 'queued', { why: 'PartitionDown' }],
  ['queued-resources', 'submit.queued-resources', 'queued', { why: 'Resources' }],
  ['held', 'submit.held', 'held', { why: 'JobHeldUser' }],
  ['depend-held', 'submit.depend', 'depends', { why: 'Dependency' }],
  ['waiting', 'submit.waiting', 'waits', { why: 'BeginTime' }],
  ['running', 'submit.running', 'running'],
  ['finished-ok', 'submit.exit0', 'over'],
  ['finished-exit3', 'submit.exit3', 'over', { code: 3 }],
  ['killed-sig9', 'submit.kill9-self', 'over', { code: 137 }],
  ['killed-sig15', 'submit.term-self', 'over', { code: 143 }],
  ['bad-shell', 'submit.badshell', 'over', { code: 254 }],
  ['cancelled-pending', 'submit.tocancel', 'over', { end: 'cancelled' }],
  ['array-running.subjob2', 'submit.array-a', 'running'],
  ['array-finished.subjob2', 'submit.array-a', 'over', { code: 2 }],
];

describe.each(situations)('a job %s', (situation, submission, state, more) => {
  const { stdout: told } = recorded(all, `status.${situation}.qstat-f1`);
  const cases = all.filter(r => forms.some(form => r.case === `status.${situation}.${form}`));
  const { job, known, now } = facts(told, submission, state, more);
  // an array that was submitted to another queue than the recorded one
  const queue = field(told, 'queue');
  const swap = (text: string): string => text.replaceAll('stopped', queue);
  const order: Job['order'] = JSON.parse(swap(JSON.stringify(job.order)));
  if (queue !== 'stopped') order.args = swap(job.order.args).replace(`-q ${queue} `, '');
  const one = { ...job, order };

  it('there are recordings', () => expect(cases.length).toBeGreaterThan(6));
  it.each(cases.map(r => [r.case, r] as const))('%s', (_, r) => {
    const native = /^Job Id: (.*)$/m.exec(told)?.[1] as string;
    const answer = commands.qstat(argsOf(r.cmd), world([one], { now, known: { [native]: known } }));
    expect(saying(answer)).toEqual(saying(r));
  });
});

it('a cancelled job and one over its walltime', () => {
  const text = recorded(all, 'status.cancelled-running.qstat-f1').stdout;
  const cancelled = facts(text, 'submit.sigkill', 'over', { end: 'cancelled', code: 0, signal: 15 });
  const job = {
    ...cancelled.job,
    order: { ...cancelled.job.order, name: 'cancr', args: '-N cancr -v SLEEP=200 pilot.sh' },
  };
  const id = '49.torque01';
  const answer = commands.qstat(['-f', '-1', id], world([job], { known: { [id]: cancelled.known } }));
  expect(plain(answer.stdout)).toBe(plain(text));

  const listing = recorded(all, 'status.array-running.parent.qstat-f1').stdout;
  const walled = `${listing.slice(listing.indexOf('Job Id: 44.')).split('\n\n')[0]}\n\n`;
  const over = facts(walled, 'submit.walltime', 'over', { end: 'limit', signal: 24 });
  const other = world([over.job], { known: { '44.torque01': over.known } });
  expect(plain(commands.qstat(['-f', '-1', '44'], other).stdout)).toBe(plain(walled));
});

describe('arrays', () => {
  const [text = ''] = recorded(all, 'status.array-t.qstat-t-f1').stdout.split(/(?<=\n\n)/);
  const { job } = facts(text, 'submit.array-a', 'queued', { why: 'PartitionDown' });
  const tasks = [1, 2, 3].map(task => ({ ...job, task }));

  it.each([
    'status.array-t.qstat-t-x',
    'status.array-t.qstat-t-f1',
    'status.array-noT.qstat-t',
    'status.array-noT.qstat-ft',
  ])('%s', name => {
    const r = recorded(all, name);
    expect(saying(commands.qstat(argsOf(r.cmd), world(tasks)))).toEqual(saying(r));
  });
  it('held', () => {
    const r = recorded(all, 'status.array-held.qstat-t');
    const held = tasks.map(task => ({ ...task, state: 'held' as const, why: 'JobHeldUser' }));
    expect(saying(commands.qstat(argsOf(r.cmd), world(held)))).toEqual(saying(r));
  });
  it('without -t, an array’s id lists all there is, an array as one', () => {
    const r = recorded(all, 'status.array-mixed.qstat-x');
    const [first = '', second = ''] = r.stdout.split(/(?<=<\/Data>\n)/);
    const submitted = new Date(Number(/<ctime>(\d+)/.exec(first)?.[1]) * 1000);
    const array = tasks.map(task => ({ ...task, id: 99, submitted, why: 'Priority' }));
    const { task: _, ...whole } = job;
    const single: Job = { ...whole, id: 100, submitted, why: 'None', order: orderIn('submit.single-final') };
    const answer = commands.qstat(argsOf(r.cmd), world([...array, single]));
    expect(answer.stdout).toBe(first + second);
  });
});

describe('one job’s attributes in all forms', () => {
  const times = /^(ctime|mtime|qtime|etime|start_time|comp_time|Execution_Time)$/;
  const parsed = (text: string) =>
    text.split(/^(?=Job Id: )/m).map(block => {
      const lines = [...block.matchAll(/^ {4}([\w.]+) = (.*)$/gm)];
      const attributes = lines.map(([, name = '', value = '']) => {
        return [name, times.test(name) ? new Date(`${value} UTC`) : value] as const;
      });
      return { id: /^Job Id: (.*)/.exec(block)?.[1] ?? '', attributes };
    });
  type Jobs = ReturnType<typeof parsed>;
  const renderings: Record<string, (jobs: Jobs) => string> = {
    'qstat-f1': jobs => full(jobs),
    'qstat-f': jobs => full(jobs, 78),
    'qstat-fx': xml,
    'qstat-x': xml,
    qstat: table,
    'qstat-a': jobs => wideTable(jobs, 'torque01', false),
    'qstat-n1': jobs => wideTable(jobs, 'torque01', true),
  };
  // while these were recorded, something happened between one command and the next, or a value has lines
  const moved =
    /^(status\.(all|array-(finished|running|noT)\.parent|array-noT|bad-output-dir)|quirk\.(numeric-name|multiline-env|all))/;
  const cases = all.filter(r => r.case.endsWith('.qstat-f1') && r.exit === 0 && !moved.test(r.case));
  it('there are recordings', () => expect(cases.length).toBeGreaterThan(20));
  it.each(cases.map(r => [r.case.replace('.qstat-f1', ''), r.stdout] as const))('%s', (situation, text) => {
    for (const [form, render] of Object.entries(renderings)) {
      const other = all.find(r => r.case === `${situation}.${form}`);
      if (other) expect(plain(render(parsed(text)))).toBe(plain(other.stdout));
    }
  });
});

describe('qsub', () => {
  const refusals = all.filter(r => r.case.startsWith('err.submit.') && r.exit !== 0);
  // these say what the script, another host or the site's own filter is, not what the batch system thinks
  const elsewhere = ['err.submit.unknown-server', 'err.submit.bad-dependency', 'err.submit.filter-refuses'];
  const cases = refusals.filter(r => !elsewhere.includes(r.case));
  it('there are recordings', () => expect(cases.length).toBeGreaterThan(15));
  it.each(cases.map(r => [r.case, r] as const))('%s', (_, r) => {
    const read = typed(r.cmd);
    expect('refusal' in read && saying(read.refusal)).toEqual(saying(r));
  });
  const accepted = all.filter(r => /^(err\.)?submit\./.test(r.case) && r.exit === 0 && !r.cmd.includes('export '));
  it.each(accepted.filter(r => !r.cmd.includes('limited')).map(r => [r.case, r.cmd] as const))('%s', (_, cmd) => {
    expect(typed(cmd)).toHaveProperty('order');
  });
});

describe('answers of the others', () => {
  const job = (id: number, more: Partial<Job> = {}): Job => ({
    ...{ id, state: 'queued', why: '', end: 'exit', code: 0, signal: 0, submitted: new Date(), nodes: [] },
    ...{ order: orderIn('submit.to-stopped-queue'), ...more },
  });
  const bobs = { ...orderIn('submit.to-stopped-queue'), user: 'bob' };
  const over = { state: 'over', started: new Date(), ended: new Date() } as const;
  const jobs = [
    ...[job(1), job(30), job(37), job(38, over), job(48), job(49), job(51), job(52), job(53), job(72, { order: bobs })],
    ...[1, 2, 3].map(task => job(56, { task })),
    ...[0, 3, 5, 6, 7].map(task => job(57, { task })),
    ...[1, 2, 3].map(task => job(68, { task })),
  ];
  const done = new Map<string, readonly Job[]>();
  const note = (what: string) => (chosen: readonly Job[]) => void done.set(what, chosen);
  const there = world(jobs, { cancel: note('cancel'), hold: note('hold'), release: note('release') });
  const run = (cmd: string, at: commands.World = there): Answer => {
    const [program = '', ...args] = words(cmd.replace(/^timeout \d+ /, ''));
    const { qstat, qdel, qhold, qrls, qselect } = commands;
    const known: Record<string, (args: string[], at: commands.World) => Answer> = { qstat, qdel, qhold, qrls, qselect };
    return known[program]?.(args, at) ?? says(`no ${program}`);
  };
  const silent = ['pending', 'running', 'several', 'array', 'array-subjob', 'array-range', 'array-all'].map(
    c => `cancel.${c}`,
  );
  const refused = ['finished', 'forgotten', 'other-user', 'several-mixed'].map(c => `cancel.${c}`);
  const errors = all.filter(r => /^err\.(status|cancel)\./.test(r.case)).map(r => r.case);
  const more = [
    'hold.qhold',
    'hold.qrls',
    'hold.array-qhold',
    'status.nonjob.mix',
    'status.forgotten.qstat',
    'version.qdel',
  ];
  const odd = ['status.array-range.qstat', 'select.by-name-none', 'select.unknown-queue'];
  it.each([...silent, ...refused, ...errors, ...more, ...odd])('%s', name => {
    const r = recorded(all, name);
    expect(saying(run(r.cmd))).toEqual(saying(r));
  });
  it.each(['qselect', 'qstat', 'qstat-f', 'qstat-u', 'qstat-x'])('no job: %s', name => {
    const r = recorded(all, `status.none.${name}`);
    expect(saying(run(r.cmd, world([])))).toEqual(saying(r));
  });
  it('what they do', () => {
    run("qdel '56[2]'");
    expect(done.get('cancel')?.map(j => j.task)).toEqual([2]);
    run("qdel -t 0-3 '57[]'");
    expect(done.get('cancel')?.map(j => j.task)).toEqual([0, 3]);
    run("qhold '68[].torque01'");
    expect(done.get('hold')).toHaveLength(3);
    run('qdel all');
    expect(done.get('cancel')?.some(j => j.order.user === 'bob' || j.state === 'over')).toBe(false);
  });
  it('the server is away', () => {
    for (const name of ['qstat', 'qstat-x', 'qstat-Q'])
      expect(saying(away(site, 'qstat', true))).toEqual(saying(recorded(all, `down.${name}`)));
    expect(saying(away(site, 'qdel'))).toEqual(saying(recorded(all, 'down.qdel')));
  });
  it('versions', () => {
    for (const name of ['qstat', 'qsub', 'pbsnodes'])
      expect(saying(commands.versionAnswer)).toEqual(saying(recorded(all, `version.${name}`)));
  });
  it('nodes', () => {
    const nodes = [{ name: 'torque01', isDown: false, cores: 8, memory: 24105 }];
    const is = (name: string, down = false) => {
      const r = recorded(all, name);
      const answer = commands.pbsnodes(
        argsOf(r.cmd),
        world([]),
        nodes.map(n => ({ ...n, isDown: down })),
      );
      const measured = (text: string) => text.replaceAll(/(status = |<status>)[^\n<]*/g, '$1?');
      expect({ ...answer, stdout: measured(answer.stdout) }).toEqual({ ...saying(r), stdout: measured(r.stdout) });
    };
    for (const form of ['pbsnodes-a', 'pbsnodes-l', 'pbsnodes-l-all', 'pbsnodes-x', 'pbsnodes-unknown'])
      is(`nodes.${form}`);
    for (const form of ['pbsnodes-a', 'pbsnodes-x']) is(`nodes.down.${form}`, true);
  });
  it('queues', () => {
    const lines = (text: string) => text.split('\n').filter(line => !/^limited/.test(line));
    const batch = orderIn('submit.exit0');
    const at = world([job(1, { order: batch }), job(2, { order: batch, ...over })]);
    expect(lines(run('qstat -Q', at).stdout)).toEqual(lines(recorded(all, 'queues.qstat-Q').stdout));
    const blocks = (text: string) => text.split(/(?<=\n\n)/).filter(block => !/^Queue: limited/.test(block));
    for (const form of ['qstat-Qf', 'qstat-Qf1', 'qstat-Q-one']) {
      const r = recorded(all, `queues.${form}`);
      expect(blocks(run(r.cmd, at).stdout)).toEqual(blocks(r.stdout));
    }
    const count = (text: string) => text.replace(/net_counter = .*|next_job_number = .*/g, '?');
    for (const form of ['qstat-Bf', 'qstat-Bf1']) {
      const r = recorded(all, `server.${form}`);
      expect(count(run(r.cmd, at).stdout)).toBe(count(r.stdout));
    }
  });
});
