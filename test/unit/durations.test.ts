import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { durations } from '../setup/durations.js';
import { top } from '../setup/programs.js';

it('every file that is known as a slow one is there', () => {
  expect(Object.keys(durations).filter(file => !existsSync(join(top, file)))).toEqual([]);
});

it('the slowest are named first', () => {
  const seconds = Object.values(durations);
  expect(seconds).toEqual(seconds.toSorted((a, b) => b - a));
});
