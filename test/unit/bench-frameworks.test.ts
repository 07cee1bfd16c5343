import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { describeFrameworks, linesOf, programOf } from '../bench/frameworks.js';

describe('the benchmark of frameworks', () => {
  it('has programs that Python reads, and counts the lines that a user writes', async () => {
    for (const [framework, pool, slurm] of [
      ['dask', 2, 5],
      ['parsl', 2, 18],
    ] as const) {
      const text = readFileSync(programOf(framework), 'utf8');
      await execa('python3', ['-I', '-c', 'import ast, sys; ast.parse(sys.stdin.read())'], { input: text });
      expect([linesOf(text, 'pool'), linesOf(text, 'slurm')], framework).toEqual([pool, slurm]);
    }
    expect(() => linesOf('nothing', 'pool')).toThrow('four marks');
  });

  it('prints both ways below each other, with the ratio of what they do in a second', () => {
    const side = (took: number[], lines: number) => ({ first: 2, took, lines });
    const pairs = [{ framework: 'dask', pool: { ...side([1, 2, 4], 4), up: 9 }, slurm: side([4, 4, 4], 6) }] as const;
    const printed = describeFrameworks({ tasks: 200, rounds: 3, workers: 2, cores: 2, pairs });
    expect(printed).toMatch(/^ {2}Dask on the pool +9\.0 s +2\.0 s +100 +2\.00× +4$/m);
    expect(printed).toMatch(/^ {2}dask-jobqueue +- +2\.0 s +50 +1\.00× +6$/m);
  });
});
