// @module-tag nightly; each time: cluster/reana runs a workflow, reana/engines the others
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleImages, prepareImage } from '../lab/image.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { expected } from '../reana/engines/bsm.js';
import { offerWheels } from '../reana/engines/wheels.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`the examples on a cluster${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    const image = readFileSync(await prepareImage());
    lab = await Lab.up();
    await lab.write('headnode', 'image.sif', image);
    const request = ['--site', 'lab-slurm', '--nodes', '2', '--walltime', '1h', '--framework', 'reana'];
    await scailfin(lab, 'headnode', ['up', ...request]);
    for (const name of Object.values(exampleImages))
      await scailfin(lab, 'headnode', ['images', 'add', 'image.sif', '--as', name]);
  }, 300_000);
  afterAll(async () => {
    await lab?.down();
  });

  /** Copies an example as a new user would, and runs it. @returns a function that reads what came back */
  const run = async (name: string, ...args: string[]) => {
    await scailfin(lab, 'headnode', ['example', 'copy', name]);
    const command = ['sh', '-c', `cd ${name} && exec scailfin run "$@"`, 'sh', ...args];
    const ran = await lab.exec('headnode', command, { timeoutMs: 400_000, check: false });
    expect(ran.exitCode, ran.stderr).toBe(0);
    return (file: string): Promise<string> => lab.read('headnode', `${name}/${file}`);
  };

  it('hello-serial: with a parameter of its own', async () => {
    const read = await run('hello-serial', '-p', 'name=Emmy');
    expect(await read('results/greetings.txt')).toBe('HELLO EMMY\n');
  });

  it('hello-cwl', async () => {
    await offerWheels(lab, 'headnode', 'cwl');
    const read = await run('hello-cwl');
    expect(await read('outputs/greetings.txt')).toBe('Hello Ada\nHello Emmy\nHello Lise\n');
  }, 420_000);

  it('hello-yadage, and the graph of the search for new physics', async () => {
    await offerWheels(lab, 'headnode', 'yadage');
    const read = await run('hello-yadage');
    expect((await read('gather/greetings.txt')).trim().split('\n').sort()).toEqual([
      ...['Hello Ada', 'Hello Emmy', 'Hello Lise'],
    ]);
    const found = await run('bsm-search');
    expect((await found('merge/merged.txt')).trim().split('\n').sort()).toEqual(expected());
    expect((await found('plot/prefit.txt')).trim()).toBe('36');
  }, 840_000);

  it('hello-snakemake: with parameters of its own, and the inference, whose answer is compared with the truth', async () => {
    await offerWheels(lab, 'headnode', 'snakemake');
    const read = await run('hello-snakemake', '-p', 'names=Marie Chien-Shiung');
    expect(await read('results/greetings.txt')).toBe('Hello Marie\nHello Chien-Shiung\n');
    const found = await run('lfi', '-p', 'truth=81.2');
    const { mass, low, high, events } = JSON.parse(await found('results/mass.json'));
    expect(events).toBe(4000);
    expect(high - low).toBeGreaterThan(0.2);
    expect(high - low).toBeLessThan(0.5);
    expect(Math.abs(mass - 81.2)).toBeLessThan(2.5 * (high - low));
    expect(await found('results/summary.txt')).toMatch(/truth +m\(W\) = 81.20 GeV, (inside|outside of) the interval/);
    const png = await lab.exec('headnode', ['head', '-c', '4', 'lfi/results/lfi.png']);
    expect(png.stdout).toContain('PNG');
  }, 840_000);

  it('leave nothing behind', async () => {
    const down = await scailfin(lab, 'headnode', ['down', '--yes']);
    expect(down.stdout).toContain(verified);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
