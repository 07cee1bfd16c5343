import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Facts } from '../../src/doctor/facts.js';
import { combine } from '../../src/doctor/network.js';
import { nodeCommand } from '../../src/doctor/nodejob.js';
import { nameFor, patientFor, profileFile } from '../../src/doctor/patient.js';
import { parseReport } from '../../src/doctor/report.js';
import { examine, type StageResult } from '../../src/doctor/run.js';
import { type Context, failed, ok, type Stage, warning } from '../../src/doctor/stage.js';
import { ConnectionError, InterruptedError } from '../../src/errors.js';
import { keyValues } from '../../src/hosts/script.js';
import { templateText } from '../../src/templates.js';
import { temporaryConfig } from '../sites/temp.js';

temporaryConfig();
const config = { sites: {} };

describe('what is to be examined', () => {
  it.each([
    ['login3.hpc.example.edu', 'hpc'],
    ['login', 'login'],
    ['bridges2.psc.edu', 'bridges2'],
    ['ssh-gw1.uni.example', 'uni'],
    ['Frontera.TACC.utexas.edu', 'frontera'],
    ['10.77.0.10', 'site'],
    ['1st_host', 'sthost'],
  ])('%s becomes the site %s', (host, name) => expect(nameFor(host)).toBe(name));

  it('a site by its name, with the user that the configuration has for it', async () => {
    const bridges = { sites: { bridges: { user: 'jdoe' } } };
    expect(await patientFor('bridges', undefined, bridges)).toMatchObject({ name: 'bridges', user: 'jdoe' });
    expect(await patientFor('bridges', 'other', bridges)).toMatchObject({ user: 'other' });
  });

  it('a host without a profile, as ssh has it', async () => {
    const host = await patientFor('jdoe@login1.hpc.example:2222', undefined, config);
    expect(host).toEqual({
      ...{ name: 'hpc', typed: 'jdoe@login1.hpc.example:2222', site: undefined, user: 'jdoe' },
      login: { hosts: ['login1.hpc.example'], port: 2222 },
    });
    expect(await patientFor('login1.hpc.example', 'jdoe', config)).toMatchObject({ name: 'hpc', user: 'jdoe' });
  });

  it('a built-in profile is changed in a copy', async () => {
    expect(profileFile(await patientFor('bridges', undefined, config))).toMatch(
      /^a copy of \/.*bridges\.yaml \(then: /,
    );
    expect(profileFile(await patientFor('a@b.example', undefined, config))).toBe('the profile');
  });

  it('nothing that is neither', async () => {
    await expect(patientFor('brigdes', undefined, config)).rejects.toThrow(/no site brigdes; did you mean bridges/);
    await expect(patientFor('./missing.yaml', undefined, config)).rejects.toThrow(
      'the file ./missing.yaml does not exist',
    );
    await expect(patientFor('bluewaters', undefined, config)).rejects.toThrow(/is retired since/);
  });
});

describe('the stages', () => {
  const stage = (id: string, run: Stage['run'], more: Partial<Stage> = {}): Stage => ({
    id,
    title: `the ${id}`,
    run,
    ...more,
  });
  const contextOf = (signal = new AbortController().signal): Context =>
    ({ signal, facts: new Facts() }) as unknown as Context;
  const watched = async (stages: Stage[], signal?: AbortSignal): Promise<[StageResult[], string[]]> => {
    const seen: string[] = [];
    const watcher = {
      started: (title: string) => void seen.push(`${title}…`),
      ended: (r: StageResult) => void seen.push(r.id),
    };
    return [await examine(stages, contextOf(signal), watcher), seen];
  };

  it('end with the first that fails; the others are skipped, and say because of which', async () => {
    const [results, seen] = await watched([
      stage('a', async () => ok('well')),
      stage('b', async () => warning('so so', 'look')),
      stage('c', async () => failed('bad', 'mend')),
      stage('d', async () => ok('never seen')),
    ]);
    expect(results.map(r => [r.id, r.status, r.detail, r.hint])).toEqual([
      ['a', 'ok', 'well', undefined],
      ['b', 'warning', 'so so', 'look'],
      ['c', 'failed', 'bad', 'mend'],
      ['d', 'skipped', 'not checked: first correct "the c"', undefined],
    ]);
    expect(seen).toEqual(['the a…', 'a', 'the b…', 'b', 'the c…', 'c', 'd']);
  });

  it('fail by what they throw; a mistake of ours is no finding', async () => {
    const [[result]] = await watched([
      stage('a', async () => {
        throw new ConnectionError('it broke', { hint: 'try again' });
      }),
    ]);
    expect(result).toMatchObject({ status: 'failed', detail: 'it broke', hint: 'try again' });
    await expect(watched([stage('b', () => Promise.reject(new TypeError('ours')))])).rejects.toThrow('ours');
    const atQuestion = new InterruptedError('SIGINT');
    await expect(watched([stage('c', () => Promise.reject(atQuestion))])).rejects.toBe(atQuestion);
  });

  it('are left where they are by Ctrl-C, but for one that cleans up', async () => {
    const abort = new AbortController();
    const stopped = new Error('stopped');
    const never = stage('a', () => new Promise(() => {}));
    const running = watched([never], abort.signal);
    abort.abort(stopped);
    await expect(running).rejects.toBe(stopped);

    const second = new AbortController();
    let cleaned = false;
    const cleaner = stage(
      'b',
      ({ signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            setTimeout(() => {
              cleaned = true;
              reject(signal.reason);
            }, 50);
          }),
        ),
      { cleansUp: true },
    );
    const cleaning = watched([cleaner], second.signal);
    second.abort(stopped);
    await expect(cleaning).rejects.toBe(stopped);
    expect(cleaned).toBe(true);
  });

  it('tell several findings as one: the worst decides, and its advice is given', () => {
    expect(combine([ok('a'), warning('b', 'do b'), ok('c')])).toEqual({
      status: 'warning',
      detail: 'a; b; c',
      hint: 'do b',
    });
    expect(combine([warning('b', 'do b'), failed('c', 'do c')])).toMatchObject({ status: 'failed', hint: 'do c' });
    expect(combine([ok('a')])).toEqual({ status: 'ok', detail: 'a' });
  });
});

describe('what runs at the site', () => {
  const dirs: string[] = [];
  const directory = (): string => {
    dirs.push(mkdtempSync(join(tmpdir(), 'scailfin-doctor-')));
    return dirs.at(-1) as string;
  };
  afterEach(() => {
    for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
  });
  const run = (argv: string[], env: NodeJS.ProcessEnv = {}): string =>
    execFileSync(argv[0] as string, argv.slice(1), { encoding: 'utf8', env: { ...process.env, ...env } });
  const script = (name: string, ...args: string[]) =>
    run(['bash', '--norc', '-c', templateText(`site/${name}.sh`), 'x', ...args]);

  it('a node tells of itself in its output and in the directory, where that is the one meant', () => {
    const dir = directory();
    writeFileSync(join(dir, 'nonce'), 'abc');
    const argv = nodeCommand(dir, 'abc', ['1', '127.0.0.1', '1', '127.0.0.1', 'http://127.0.0.1:1/']);
    // one line of plain words: what any batch system carries
    for (const word of argv) expect(word).toMatch(/^[^\n\r]*$/);
    const said = run(argv, { SCAILFIN_CORES: '4', SCAILFIN_MEMORY: '2048' });
    expect(readFileSync(join(dir, 'report'), 'utf8')).toBe(said);
    expect(said.trimEnd().split('\n').at(-1)).toBe('end=abc');
    const report = parseReport(said);
    expect(report).toMatchObject({
      ...{ node: hostname(), work: 'same', writable: true, allocation: { cores: 4, memory: 2048 } },
      headnode: [{ to: '127.0.0.1 port 1', answers: false, words: 'refused or no route' }],
      urls: [{ url: 'http://127.0.0.1:1/', answers: false }],
    });
    expect(report.machine.memory).toBeGreaterThan(100);
    expect(Math.abs(report.now - Date.now() / 1000)).toBeLessThan(60);
  });

  it('a node knows another directory from ours, and a missing one', () => {
    const dir = directory();
    writeFileSync(join(dir, 'nonce'), 'other');
    expect(parseReport(run(nodeCommand(dir, 'abc', ['1', '', '1', '']))).work).toBe('other');
    expect(parseReport(run(nodeCommand(`${dir}/not-there`, 'abc', ['1', '', '1', '']))).work).toBe('missing');
  });

  it('a report is read whatever its fields hold', () => {
    const { gpus, runtimes, modules, allocation } = parseReport(
      [
        'cores=8',
        'memory=unlimited',
        'gpu= Tesla V100, 16384 MiB',
        'runtime=shifter /usr/bin/shifter 16.08.3',
        'runtime=podman-hpc /usr/bin/podman-hpc podman-hpc version 1.1.0',
        'modulesystem=lmod 8.7.32',
        'module=shifter/18.03',
        'module=core/Apptainer/1.2.2',
        'module=evil; rm -rf',
        'module=gcc/12',
      ].join('\n'),
    );
    expect(allocation).toEqual({ cores: 8 });
    expect(gpus).toEqual(['Tesla V100, 16384 MiB']);
    expect(runtimes).toEqual([
      { runtime: 'shifter', path: '/usr/bin/shifter', version: '16.08.3' },
      { runtime: 'podman-hpc', path: '/usr/bin/podman-hpc', version: '1.1.0' },
      { runtime: 'apptainer', module: 'core/Apptainer/1.2.2' },
    ]);
    expect(modules).toEqual({ system: 'lmod 8.7.32', names: ['shifter/18.03', 'core/Apptainer/1.2.2', 'gcc/12'] });
  });

  it('trying a directory leaves nothing, not even parents', () => {
    const dir = directory();
    const values = keyValues(script('workdir', `${dir}/a/b/c`));
    expect(values.get('written')).toEqual(['yes']);
    expect(run(['ls', '-A', dir])).toBe('');
    mkdirSync(join(dir, 'kept'));
    script('workdir', `${dir}/kept/new`);
    expect(run(['ls', '-A', dir])).toBe('kept\n');
    writeFileSync(join(dir, 'file'), '');
    expect(keyValues(script('workdir', `${dir}/file/sub`)).get('why')?.[0]).toMatch(/^mkdir: cannot create directory/);
  });

  it('programs are told from those that are missing', () => {
    const told = keyValues(script('programs', 'bash', 'no-such-program-x'));
    expect(told.get('here')?.[0]).toMatch(/^bash \/\S*bash$/);
    expect(told.size).toBe(1);
  });
});
