// @module-tag nightly; each time: reana/engines/bsm runs another inference
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isThorough } from '../attack/thorough.js';
import { prepareImage } from '../lab/image.js';
import { Lab, labUnavailable } from '../lab/lab.js';

const reason = labUnavailable();
/** Each takes a few seconds of a processor; `SCAILFIN_THOROUGH=1` has all. */
const seeds = isThorough ? 20 : 8;

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

  it('has an interval that holds the truth as often as it says', async () => {
    const command = ['apptainer', 'exec', 'image.sif', 'python3', 'code/calibrate.py', String(seeds)];
    const { stdout } = await lab.exec('c1', command, { timeoutMs: 1_100_000 });
    const [, held = 0, all = 0] = /^all: (\d+) of (\d+),/m.exec(stdout)?.map(Number) ?? [];
    expect(all, stdout).toBe(25 * seeds);
    // 68.3 % is expected; three of a hundred more or less are chance
    expect(held / all, stdout).toBeGreaterThan(0.6);
    expect(held / all, stdout).toBeLessThan(0.77);
  }, 1_200_000);
});
