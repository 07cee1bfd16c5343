import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineRun } from '../../../src/reana/engines/engine.js';
import { expand } from '../../../src/reana/engines/parameters.js';
import { serial } from '../../../src/reana/engines/serial.js';
import { Tally } from '../../../src/reana/engines/tally.js';
import { resourcesOf } from '../../../src/reana/hints.js';
import type { Progress } from '../../../src/reana/run.js';
import { FakeSteps } from '../steps.js';

const never = new AbortController().signal;

function runOf(steps: unknown, fake: FakeSteps, more: Partial<EngineRun> = {}) {
  const seen: Progress[] = [];
  const tally = new Tally();
  const run: EngineRun = {
    ...{ workflow: 'w1', workspace: '/edge/work spaces/w1', dir: '/nowhere', steps: fake, parameters: {}, options: {} },
    specification: { workflow: { type: 'serial', specification: { steps } } },
    ...{ environment: { REANA_WORKSPACE: '/edge/work spaces/w1' }, tally, log: () => {} },
    progress: () => seen.push(tally.progress),
    ...more,
  };
  return { run, seen };
}

const two = [
  { name: 'generate', environment: 'root:6', commands: ['mkdir -p out', 'gen $events > out/data'] },
  { name: 'fit', environment: 'root:6', commands: ['fit out/data'], kubernetes_memory_limit: '256Mi' },
];

describe('serial workflows', () => {
  it('run one command after the other, in the workspace', async () => {
    const fake = new FakeSteps();
    const { run, seen } = runOf(two, fake, { parameters: { events: 200 } });
    await serial.run(run, never);
    expect(fake.requests.map(r => [r.name, r.image, r.workspace, r.command])).toEqual([
      ['generate', 'root:6', '/edge/work spaces/w1', 'mkdir -p out'],
      ['generate', 'root:6', '/edge/work spaces/w1', 'gen 200 > out/data'],
      ['fit', 'root:6', '/edge/work spaces/w1', 'fit out/data'],
    ]);
    expect(fake.requests[2]?.resources).toEqual({ memory: 256 });
    expect(fake.requests[0]?.environment).toEqual({ REANA_WORKSPACE: '/edge/work spaces/w1' });
    const counts = seen.map(p => [p.total, p.running.length, p.finished.length, p.failed.length].join());
    expect(counts).toEqual(['3,0,0,0', '3,1,0,0', '3,0,1,0', '3,1,1,0', '3,0,2,0', '3,1,2,0', '3,0,3,0']);
  });

  it('end with the first command that fails, and say why', async () => {
    const fake = new FakeSteps(r => ({ exitCode: r.command.startsWith('gen') ? 3 : 0 }));
    const { run, seen } = runOf(two, fake, { parameters: { events: 1 } });
    await expect(serial.run(run, never)).rejects.toThrow('step generate ended with status 3');
    expect(fake.requests).toHaveLength(2);
    expect(seen.at(-1)).toMatchObject({ finished: [fake.of('w1')[0]?.id], failed: [fake.of('w1')[1]?.id] });
  });

  it('go on where they were: no command runs twice', async () => {
    const fake = new FakeSteps();
    const { run } = runOf(two, fake, { parameters: { events: 200 } });
    await serial.run(run, never);
    await serial.run(runOf(two, fake, { parameters: { events: 200 } }).run, never);
    expect(fake.requests).toHaveLength(3);
  });

  it('are stopped with the step that runs', async () => {
    const fake = new FakeSteps(() => undefined);
    const controller = new AbortController();
    const running = serial.run(runOf(two, fake, { parameters: { events: 1 } }).run, controller.signal);
    setTimeout(() => controller.abort(new Error('stopped by its owner')), 20);
    await expect(running).rejects.toThrow('stopped by its owner');
    expect(fake.of('w1').map(s => s.state)).toEqual(['stopped']);
  });

  it.each([
    [{ FROM: 'fit' }, ['fit']],
    [{ TARGET: 'GENERATE' }, ['generate', 'generate']],
    [{ FROM: 'generate', TARGET: 'fit' }, ['generate', 'generate', 'fit']],
  ])('run a part: %j', async (options, names) => {
    const fake = new FakeSteps();
    await serial.run(runOf(two, fake, { parameters: { events: 1 }, options }).run, never);
    expect(fake.requests.map(r => r.name)).toEqual(names);
  });

  it.each([
    [two, { options: { FROM: 'fits' }, parameters: { events: 1 } }, 'there is no step fits to begin with'],
    [
      two,
      { options: { FROM: 'fit', TARGET: 'generate' }, parameters: { events: 1 } },
      'step fit, to begin with, comes after',
    ],
    [two, {}, 'the parameter $events has no value'],
    [[], {}, 'the workflow has no steps'],
    [[{ name: 'x', commands: ['y'], kubernetes_memory_limit: '2 GB' }], {}, 'memory: "2 GB" is not understood'],
  ])('are refused before anything runs: %#', async (steps, more, message) => {
    const fake = new FakeSteps();
    await expect(serial.run(runOf(steps, fake, more).run, never)).rejects.toThrow(message);
    expect(fake.requests).toEqual([]);
  });
});

describe('parameters', () => {
  it('are filled in as Python does it', () => {
    const values = { a: 1, b_2: 'x y', yes: true, nothing: null };
    // biome-ignore lint/suspicious/noTemplateCurlyInString: REANA's braces, not ours
    expect(expand('$a ${b_2} $$HOME $yes $nothing $a.txt', values)).toBe('1 x y $HOME True None 1.txt');
    expect(() => expand('echo $(date)', values)).toThrow('begins no parameter');
    expect(() => expand('echo $HOME', values)).toThrow('the parameter $HOME has no value');
  });

  it('with dollars in them are left alone (property)', () => {
    fc.assert(fc.property(fc.string(), value => expand('<$v>', { v: value }) === `<${value}>`));
  });
});

describe('resources', () => {
  it.each([
    [{ kubernetes_memory_limit: '2Gi' }, { memory: 2048 }],
    [{ kubernetes_memory_limit: '1G' }, { memory: 954 }],
    [{ c4p_memory_limit: '1048576' }, { memory: 1 }],
    [{ htcondor_max_runtime: 'espresso' }, { time: 1200 }],
    [{ htcondor_max_runtime: '3600' }, { time: 3600 }],
    [
      { slurm_time: '02:00:00', c4p_cpu_cores: '4' },
      { time: 7200, cores: 4 },
    ],
    [{ kubernetes_memory_limit: '', slurm_partition: 'debug' }, {}],
  ])('%j', (hints, wanted) => expect(resourcesOf(hints)).toEqual(wanted));
});
