import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareImage } from '../lab/image.js';
import { Lab, labUnavailable } from '../lab/lab.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`the example lfi${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    const image = readFileSync(await prepareImage());
    lab = await Lab.up();
    await lab.write('c1', 'image.sif', image);
    for (const name of ['calibrate', 'ratio', 'simulate']) {
      const file = new URL(`../../examples/lfi/code/${name}.py`, import.meta.url);
      await lab.write('c1', `code/${name}.py`, readFileSync(file));
    }
  }, 300_000);
  afterAll(async () => {
    await lab?.down();
  });

  it('has an interval that holds the truth as often as it says, over 20 seeds', async () => {
    const command = ['apptainer', 'exec', 'image.sif', 'python3', 'code/calibrate.py', '20'];
    const { stdout } = await lab.exec('c1', command, { timeoutMs: 1_100_000 });
    const [, held = 0, all = 0] = /^all: (\d+) of (\d+),/m.exec(stdout)?.map(Number) ?? [];
    expect(all, stdout).toBe(500);
    // 68.3 % is expected, and two of a hundred more or less are chance
    expect(held / all, stdout).toBeGreaterThan(0.62);
    expect(held / all, stdout).toBeLessThan(0.75);
  }, 1_200_000);
});
