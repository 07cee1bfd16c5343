import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScailfinError, TimeoutError } from '../../src/errors.js';
import { type DetachedJob, endDetached, runDetached } from '../../src/headnode/detached.js';
import { LocalHost } from '../../src/hosts/local.js';
import { until } from '../lab/programs.js';

describe('work that outlives its caller', () => {
  const host = new LocalHost();
  let dir: string;
  let lines: string[];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-detached-'));
    lines = [];
  });
  afterEach(async () => {
    await endDetached(host, join(dir, 'job'));
    rmSync(dir, { recursive: true, force: true });
  });

  const job = (script: string, more: Partial<DetachedJob> = {}): DetachedJob => ({
    ...{ state: join(dir, 'job'), argv: ['sh', '-c', script, 'sh', dir], title: 'the job', timeoutMs: 20_000 },
    ...{ onLine: line => lines.push(line), ...more },
  });
  const pid = (): number => Number(readFileSync(join(dir, 'job/pid'), 'utf8'));
  const begun = (): Promise<unknown> => until('the job', 60_000, () => lines.length > 0);

  it('tells each line once and whole, however slowly it is written, and how it ended', async () => {
    const script = 'printf "a"; sleep 0.5; printf "ä\\n\\nb\\n"; sleep 0.3; echo words >&2; printf last; exit 7';
    expect(await runDetached(host, job(script))).toEqual({ exitCode: 7, stderr: 'words' });
    expect(lines).toEqual(['aä', 'b', 'last']);
  });

  it('tells more than fits into one answer', async () => {
    await runDetached(host, job('seq 400000'));
    expect(lines).toHaveLength(400_000);
    expect(lines.every((line, n) => line === String(n + 1))).toBe(true);
  });

  it('is joined, not begun again, while it runs; begun again once it has ended', async () => {
    const script = 'echo run >>"$1/runs"; echo one; sleep 1; echo two';
    const first = runDetached(host, job(script));
    await begun();
    const other: string[] = [];
    await runDetached(host, job('echo another', { onLine: line => other.push(line) }));
    await first;
    expect([lines, other]).toEqual([
      ['one', 'two'],
      ['one', 'two'],
    ]);
    await runDetached(host, job(script));
    expect(readFileSync(join(dir, 'runs'), 'utf8')).toBe('run\nrun\n');
  });

  it('is ended with all it has started when it takes too long', async () => {
    const script = 'sleep 300 & echo $! >"$1/child"; wait';
    await expect(runDetached(host, job(script, { timeoutMs: 1500 }))).rejects.toThrow(TimeoutError);
    const child = Number(readFileSync(join(dir, 'child'), 'utf8'));
    await until(
      'its end',
      5000,
      () => !existsSync(`/proc/${child}`) || /State:\s+Z/.test(readFileSync(`/proc/${child}/status`, 'utf8')),
    );
  });

  it('that was killed is reported as killed', async () => {
    const run = runDetached(host, job('echo begun; echo why >&2; sleep 300'));
    run.catch(() => {});
    await begun();
    process.kill(-pid(), 'SIGKILL');
    const error = await run.catch(e => e);
    expect(error).toBeInstanceOf(ScailfinError);
    expect(error).toMatchObject({
      message: 'the job was killed on this machine:\nwhy',
      hint: expect.stringContaining('continues where it stopped'),
    });
  });

  it('does not end another process that has its pid now', async () => {
    await runDetached(host, job('true'));
    mkdirSync(join(dir, 'other'));
    const stranger = runDetached(host, job('echo here; sleep 2; echo alive', { state: join(dir, 'other') }));
    await begun();
    writeFileSync(join(dir, 'job/pid'), readFileSync(join(dir, 'other/pid')));
    await endDetached(host, join(dir, 'job'));
    await stranger;
    expect(lines).toEqual(['here', 'alive']);
  });
});
