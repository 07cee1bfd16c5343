import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bsmSearch, expected } from './bsm.js';
import { never, runOf } from './workflows.js';

it('the graph of the BSM search runs to its end: 67 jobs in 11 levels', { timeout: 600_000 }, async () => {
  const { base, run, engine, steps, said, seen, read, started } = await runOf('yadage', {
    ...{ files: bsmSearch, file: 'workflow/main.yml' },
  });
  await engine.run(run, never).catch(error => {
    throw new Error(said.join(''), { cause: error });
  });
  expect((await started()).length).toBe(67);
  expect(seen.at(-1)).toMatchObject({ total: 67, running: [], failed: [] });
  const lines = (text: string): string[] => text.trim().split('\n').sort();
  expect(lines(await read('model/results/model_combined.txt'))).toEqual(expected());
  expect((await read('plot/prefit.txt')).trim()).toBe(String(expected().length));
  expect(lines(await read('plot/postfit.txt'))).toEqual([...new Set(expected())]);
  expect(lines(await read('hepdata/table.txt'))).toEqual(expected().map(line => `table ${line}`));
  for (const file of ['data/read_0/data.txt', 'backgrounds/run_1/read_0/data.txt', 'signal/read_0/data.txt']) {
    await access(join(base, 'work', file));
  }
  expect(levels(steps.requests.map(r => r.command))).toBe(11);
});

/** The longest chain of commands, each of which reads what the one before has written. */
function levels(commands: readonly string[]): number {
  const scripts = commands.map(command =>
    Buffer.from(/echo (\S+)\|base64/.exec(command)?.[1] ?? '', 'base64').toString(),
  );
  const level = new Map<string, number>();
  // in the order in which they were submitted, so that inputs come first
  for (const text of scripts) {
    const paths = (text.match(/\/[\w./*-]+/g) ?? []) as string[];
    const depth = 1 + Math.max(0, ...paths.map(path => level.get(path) ?? 0));
    for (const path of paths) if (!level.has(path)) level.set(path, depth);
  }
  return Math.max(...level.values());
}
