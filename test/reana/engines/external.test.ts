import { spawn } from 'node:child_process';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { running } from '../../../src/reana/engines/process.js';
import { bundled } from '../../lab/bundled.js';
import { program, until } from '../../lab/programs.js';
import { fans } from './fans.js';
import { never, prepared, runIn, runOf } from './workflows.js';

const kinds = ['cwl', 'yadage', 'snakemake'] as const;
const slow = { timeout: 300_000 };

describe.each(kinds)('%s workflows', kind => {
  it('end with the step that failed, and say which', slow, async () => {
    const workflow = fans[kind](3, 'if [ $n = 1 ]; then exit 3; fi; echo $n');
    const { run, engine, seen, started } = await runOf(kind, workflow);
    await expect(engine.run(run, never)).rejects.toThrow(/^step part\w* ended with status 3$/);
    expect(await started()).not.toContain('merge');
    expect(seen.at(-1)).toMatchObject({ running: [], failed: [expect.any(String)] });
    expect(await running(run.dir)).toBeUndefined();
  });

  it('are stopped with their steps and their engine', { ...slow, tags: ['nightly'] }, async () => {
    const { run, engine, steps } = await runOf(kind, fans[kind](3, 'sleep 300'));
    const stop = new AbortController();
    const done = expect(engine.run(run, stop.signal)).rejects.toThrow('stopped by its owner');
    await until('steps to run', 120_000, () => steps.of(run.workflow).length === 3);
    stop.abort(new Error('stopped by its owner'));
    await done;
    expect(steps.of(run.workflow).map(s => s.state)).toEqual(['stopped', 'stopped', 'stopped']);
    expect(await running(run.dir)).toBeUndefined();
  });

  it.each(['the edge', 'the edge and the engine'])(
    'go on when %s is killed, and no step runs twice',
    { ...slow, tags: ['nightly'] },
    async who => {
      const workflow = fans[kind](3, 'touch begun.$n; while [ ! -e $GO ]; do sleep 0.1; done; echo part $n');
      const { base, read, started } = await prepared(kind, workflow.files);
      const go = join(base, 'go');
      const told = JSON.stringify(workflow).replaceAll('$GO', go);
      await writeFile(join(base, 'workflow.json'), told);
      if (workflow.file)
        await writeFile(join(base, 'work', workflow.file), (await read(workflow.file)).replaceAll('$GO', go));
      const edge = await edgeOf(base, kind);
      await until('three steps', 120_000, async () => (await started()).length === 3);
      edge.kill('SIGKILL');
      const engine = await running(join(base, 'run'));
      expect(engine).toBeDefined();
      if (who !== 'the edge') process.kill(engine as number, 'SIGKILL');
      await writeFile(go, '');
      const { run, engine: again, seen, said } = await runIn(base, kind, JSON.parse(told));
      if (who === 'the edge') expect(await running(join(base, 'run'))).toBe(engine);
      await again.run(run, never).catch(error => {
        throw new Error(said.join(''), { cause: error });
      });
      expect(await read(workflow.merged)).toBe('part 0\npart 1\npart 2\n');
      expect(await started()).toHaveLength(4);
      expect(seen.at(-1)).toMatchObject({ total: 4, running: [], failed: [] });
    },
  );

  it('are over at once when they were over before', { ...slow, tags: ['nightly'] }, async () => {
    const workflow = fans[kind](2, 'echo $n');
    const { base, run, engine, started } = await runOf(kind, workflow);
    await engine.run(run, never);
    const again = await runIn(base, kind, workflow);
    await again.engine.run(again.run, never);
    expect(await started()).toHaveLength(3);
  });
});

describe('an engine', () => {
  it('that can not be read gives a clear error', slow, async () => {
    const { run, engine } = await runOf('snakemake', {
      file: 'Snakefile',
      files: { Snakefile: 'rule all:\n  inputs: 1\n' },
    });
    await expect(engine.run(run, never)).rejects.toThrow(/Unexpected keyword inputs/);
  });

  it('that ends without a result is restarted, but not forever', { ...slow, tags: ['nightly'] }, async () => {
    const { run, said } = await runOf('cwl', fans.cwl(1, 'true'));
    const { external } = await import('../../../src/reana/engines/external.js');
    const broken = join(run.dir, 'python');
    await writeFile(broken, `#!/bin/sh\necho start >> ${run.dir}/starts\necho no such module >&2\nexit 1\n`, {
      mode: 0o755,
    });
    const engine = external('cwl', { dir: run.dir, enginePython: { cwl: broken } });
    await expect(engine.run(run, never)).rejects.toThrow(
      /the workflow engine for cwl ended without a result: no such module/,
    );
    expect((await readFile(join(run.dir, 'starts'), 'utf8')).split('\n')).toHaveLength(4);
    expect(said.join('')).toBe('no such module\n'.repeat(3));
  });

  it('has no secrets, and keeps those of its run to itself', slow, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'scailfin-go-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    const wait = `while [ ! -e ${dir}/go ]; do sleep 0.1; done; echo $n`;
    const { run, engine } = await runOf('snakemake', fans.snakemake(1, wait));
    const done = engine.run(run, never);
    const pid = await until('the engine', 120_000, () => running(run.dir));
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    expect(environment).not.toContain('GREETING');
    for (const file of ['controller.json', 'run.json', 'engine.log']) {
      await until(file, 60_000, () => access(join(run.dir, file)).then(() => true));
      expect(await program(['stat', '-c', '%a', join(run.dir, file)])).toBe('600');
    }
    await writeFile(join(dir, 'go'), '');
    await done;
  });
});

async function edgeOf(base: string, kind: string) {
  const script = await bundled(fileURLToPath(new URL('edge.ts', import.meta.url)));
  const child = spawn(process.execPath, [script, base, kind], { stdio: 'inherit' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
