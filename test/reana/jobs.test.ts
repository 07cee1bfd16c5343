import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StepRequest } from '../../src/reana/jobs/step.js';
import { scailfin } from '../cluster/helpers/cluster.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { edge, ServiceThere } from './helpers/pool.js';

const reason = labUnavailable();
const workspace = `${edge}/workspaces/one`;
const within = 90_000;

describe.skipIf(reason !== undefined)(
  `steps on a pool${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: within },
  () => {
    let lab: Lab;
    let steps: ServiceThere;

    beforeAll(async () => {
      lab = await Lab.up();
      await scailfin(lab, 'headnode', ['up', '--site', 'lab-slurm', '--nodes', '2']);
      steps = await ServiceThere.start(lab, { lease: 20 });
    }, 180_000);
    afterAll(async () => {
      await steps?.close().catch(() => {});
      await lab?.down();
    }, 60_000);
    afterEach(async () => {
      await here(`rm -rf ${workspace}`);
    });

    const here = async (command: string): Promise<string> =>
      (await lab.exec('headnode', ['bash', '-c', command])).stdout.trim();
    const files = async (content: Record<string, string> = {}): Promise<void> => {
      await here(`mkdir -p ${workspace}`);
      for (const [path, text] of Object.entries(content)) await lab.write('headnode', `${workspace}/${path}`, text);
    };
    const request = (command: string, more: Partial<StepRequest> = {}): StepRequest => ({
      ...{ workflow: 'one', workspace, name: 'step', image: '', command, environment: {}, resources: { memory: 100 } },
      ...more,
    });
    const run = async (command: string, more: Partial<StepRequest> = {}) => {
      const { id } = await steps.submit(request(command, more));
      return { id, step: await steps.ended(id) };
    };

    it('reads what is in the workspace, and leaves what it made there', async () => {
      await files({ 'in.txt': 'hello', 'gone.txt': 'x' });
      await here(
        `head -c 200000 /dev/urandom > ${workspace}/large; mkdir -p ${workspace}/a/b; ln -s ../in.txt ${workspace}/a/link`,
      );
      const command =
        'cat in.txt a/link; echo "$WHO" >&2; sha256sum <large; mkdir out; echo made >out/new; echo " more" >>in.txt; rm gone.txt';
      const { id, step } = await run(command, { environment: { WHO: 'it\'s "me"\n$x' } });
      expect(step, await steps.log(id)).toMatchObject({
        state: 'finished',
        exitCode: 0,
        attempts: 1,
        node: expect.stringMatching(/^c[12]$/),
      });
      expect(await steps.log(id)).toBe(`hellohelloit's "me"\n$x\n${await here(`sha256sum <${workspace}/large`)}\n`);
      expect(await here(`cd ${workspace}; cat in.txt out/new; ls; readlink a/link`)).toBe(
        'hello more\nmade\na\nin.txt\nlarge\nout\n../in.txt',
      );
    });

    it('fails with its own status, and what it made is kept', async () => {
      await files();
      const { step } = await run('echo part >part; exit 3');
      expect(step).toMatchObject({
        state: 'failed',
        exitCode: 3,
        attempts: 1,
        reason: 'its command ended with status 3',
      });
      expect(await here(`cat ${workspace}/part`)).toBe('part');
    });
  },
);
