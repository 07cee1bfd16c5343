import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { makeImage } from './helpers/image.js';
import { Workspace } from './helpers/wrapped.js';

const reason = labUnavailable();
const runtimes = ['charliecloud', 'apptainer'] as const;

describe.skipIf(reason !== undefined)(`the script that runs a step${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let workspace: Workspace;
  const image = '/home/alice/image';
  beforeAll(async () => {
    lab = await Lab.up({});
    await makeImage(lab, 'c1', image);
  }, 300_000);
  afterAll(async () => {
    await lab?.down();
  });
  beforeEach(async () => {
    workspace = await Workspace.make(lab);
  });
  afterEach(async () => {
    await workspace?.remove();
  });

  describe.each(runtimes)('by %s', runtime => {
    const site = { SCAILFIN_RUNTIMES: runtime };

    it('shows the workspace at its own path, runs the line as it is, and returns what is new', async () => {
      await workspace.write('data/in.txt', 'hello\n');
      const command = `cat data/in.txt > out.txt && cat "${workspace.dir}/out.txt" /etc/image && pwd && echo 'it'"'"'s "quoted" $((1+1)) \\n'`;
      const step = await workspace.step({ command, image, site });
      expect(step.stderr).toBe('');
      expect(step.stdout).toBe(`hello\nthis is the image\n${workspace.dir}\nit's "quoted" $((1+1)) \\n\n`);
      expect(step.status).toBe(0);
      expect(step.changed.map(item => item.path)).toEqual(['out.txt']);
      expect(await workspace.read(step, 'out.txt')).toBe('hello\n');
      expect(step.report.exit).toBe(0);
      expect(step.report.values.get('runtime')).toBe(runtime);
      expect(step.report.values.get('runtime_version')).toMatch(/^\d+\.\d+/);
      expect(step.left).toEqual(['changed.tar', 'manifest', 'report', 'small.tar', 'step.env', 'step.sh']);
    });
  });
});
