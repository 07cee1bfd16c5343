// @module-tag nightly; each time: frameworks/jupyter/door
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareImage } from '../lab/image.js';
import { Desk, offerJupyter, requirements } from '../lab/jupyter.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const name = 'lab-slurm';

describe.skipIf(reason !== undefined)(
  `JupyterLab in an image${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 240_000 },
  () => {
    let lab: Lab;
    let desk: Desk;
    beforeAll(async () => {
      const image = await prepareImage(undefined, requirements);
      lab = await Lab.up();
      desk = new Desk(lab, 'headnode', name);
      // the client of WebSockets; nothing is installed
      await offerJupyter(lab, 'headnode');
      await lab.write('login', '/home/alice/jupyter.sif', readFileSync(image), { mode: 0o644 });
      await lab.exec('login', ['mkdir', '/home/alice/work'], { user: 'alice' });
    }, 600_000);
    afterAll(() => lab?.down(), 60_000);

    it('runs cells there, and sees nothing of the account but the directory that was named', async () => {
      const options = [
        '--framework',
        'jupyter',
        '--worker-memory',
        '1500',
        '--worker-image',
        '/home/alice/jupyter.sif',
      ];
      await scailfin(lab, 'headnode', ['up', '--site', name, '--nodes', '1', ...options, '--notebooks', '~/work']);
      await desk.until(120);
      const code =
        "import os; print(os.path.isdir('/.singularity.d'), os.getcwd(), os.environ['HOME'], os.listdir('/home/alice'))";
      expect(await desk.cell(code)).toBe("True /home/alice/work /home/alice/work ['work']");
      await desk.api('PUT', 'contents/a.txt', { type: 'file', format: 'text', content: 'x' });
      const { stdout } = await lab.exec('headnode', ['ls', `.scailfin/${name}/pool/workers/jupyter`]);
      expect(stdout).not.toContain('venv');
    });

    it('leaves nothing behind but the files', async () => {
      const down = await scailfin(lab, 'headnode', ['down', name]);
      expect(down.stdout).toContain(verified);
      const { stdout } = await lab.exec('login', ['find', 'work'], { user: 'alice' });
      expect(stdout).toBe('work\nwork/a.txt\n');
      await lab.exec('login', ['rm', '-r', 'work', 'jupyter.sif'], { user: 'alice' });
      await expect.poll(() => lab.leftovers(), { timeout: 15_000 }).toEqual([]);
    });
  },
);
