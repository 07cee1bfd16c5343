// @module-tag nightly; each time: reana/engines runs the same engines without a pool
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PythonEngine } from '../../src/reana/engines/python.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { fans } from '../reana/engines/fans.js';
import { offerWheels } from '../reana/engines/wheels.js';
import { makeImage } from '../reana/helpers/image.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const image = '/home/alice/image';
const width = 10;
const command = 'echo "$n $(cat /proc/sys/kernel/hostname) $(cat /etc/image)"';

/** Has every step of the workflow run in the image, in each language's own way. */
const inImage: Readonly<Record<PythonEngine, (text: string) => string>> = {
  cwl: text =>
    text.replaceAll(
      '"class":"CommandLineTool"',
      `"class":"CommandLineTool","hints":[{"class":"DockerRequirement","dockerPull":"${image}"}]`,
    ),
  snakemake: text => text.replaceAll(/^ {4}shell:/gm, `    container: "${image}"\n    shell:`),
  yadage: text => text.replaceAll('"image":"none"', `"image":"${image}"`),
};

describe.skipIf(reason !== undefined)(`workflow languages on a cluster${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await makeImage(lab, 'c1', image);
    await scailfin(lab, 'headnode', [
      'up',
      '--site',
      'lab-slurm',
      '--nodes',
      '2',
      '--walltime',
      '1h',
      '--framework',
      'reana',
    ]);
  });
  afterAll(async () => {
    await lab?.down();
  });

  it.each(['cwl', 'snakemake', 'yadage'] as const)(
    '%s by its own engine, each step in a container on the nodes',
    async kind => {
      await offerWheels(lab, 'headnode', kind);
      const { file, files = {}, specification, parameters, merged } = fans[kind](width, command);
      const described = {
        inputs: { files: Object.keys(files), parameters },
        workflow: { type: kind, file, specification },
        outputs: { files: [merged] },
      };
      const text = JSON.stringify(described);
      await lab.write('headnode', `${kind}/reana.yaml`, kind === 'cwl' ? inImage.cwl(text) : text);
      for (const [name, content] of Object.entries(files))
        await lab.write('headnode', `${kind}/${name}`, inImage[kind](content));
      const run = await lab.exec('headnode', ['sh', '-c', `cd ${kind} && exec scailfin run`], {
        timeoutMs: 400_000,
        check: false,
      });
      expect(run.exitCode, run.stderr).toBe(0);
      const lines = (await lab.read('headnode', `${kind}/${merged}`)).trim().split('\n');
      expect(lines.map(line => line.replace(/ c[12] /, ' NODE ')).sort()).toEqual(
        Array.from({ length: width }, (_, n) => `${n} NODE this is the image`),
      );
    },
    900_000,
  );

  it('leave nothing behind', async () => {
    const down = await scailfin(lab, 'headnode', ['down', 'lab-slurm']);
    expect(down.stdout).toContain(verified);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
