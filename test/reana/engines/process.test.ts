import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { end, isRunning, running, start } from '../../../src/reana/engines/process.js';
import { templateText } from '../../../src/templates.js';
import { program, until } from '../../lab/programs.js';

/** An engine that prints, starts a process of its own and does what `more` says. */
async function engine(more = '') {
  const pool = await realpath(await mkdtemp(join(tmpdir(), 'engine-process-')));
  const dir = join(pool, 'edge/runs/r1/engine');
  const script = join(dir, 'code/cwl_engine.py');
  await mkdir(dirname(script), { recursive: true });
  await writeFile(script, `${more}\nsleep 300 & echo $! > ${dir}/child; echo begun; wait\n`);
  const pid = await start(['bash', script, dir], { cwd: dir, env: { PATH: '/usr/bin:/bin' }, log: join(dir, 'log') });
  onTestFinished(async () => {
    await end(pid, dir, 0);
    await rm(pool, { recursive: true, force: true });
  });
  await until('the engine', 60_000, async () => (await readFile(join(dir, 'log'), 'utf8')) === 'begun\n');
  const child = (await readFile(join(dir, 'child'), 'utf8')).trim();
  const gone = () => program(['sh', '-c', `! grep -q sleep /proc/${child}/cmdline 2> /dev/null`]).then(() => true);
  return { pool, dir, pid, gone };
}

describe('the process of an engine', () => {
  it('is found by the run it works for, and by no other', async () => {
    const { dir, pid } = await engine();
    expect(await running(dir)).toBe(pid);
    expect(await running(`${dir}x`)).toBeUndefined();
    expect(await isRunning(process.pid, dir)).toBe(false);
  });

  it.each(['', "trap '' TERM"])('ends with what it started, whether it wants or not: %j', async more => {
    const { dir, pid, gone } = await engine(more);
    await end(pid, dir, 300);
    await until('its end', 5000, async () => (await running(dir)) === undefined && gone());
  });

  it('ends with the pool', async () => {
    const { pool, dir, gone } = await engine();
    await program(['bash', '-c', `${templateText('headnode/pool-stop.sh')}\npool_stop "$1"`, 'bash', pool]);
    await until('its end', 5000, async () => (await running(dir)) === undefined && gone());
  });

  it('that can not be started is an error', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'engine-process-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    const nowhere = (log: string) => start(['/nowhere/python3', 'x'], { cwd: '/', env: {}, log });
    await expect(nowhere(join(dir, 'log'))).rejects.toThrow('ENOENT');
    await expect(nowhere('/dev/null')).rejects.toThrow(
      'the workflow has replaced null of its workflow engine by something else',
    );
  });
});
