// @module-tag nightly; each time: reana/edge-kill
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { scailfin } from '../cluster/helpers/cluster.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { attack } from './attack.js';

const reason = labUnavailable();
const within = 150_000;
const edge = '.scailfin/lab-slurm/pool/edge';

/** Without containers: what is tested is who runs the edge. */
const specification = `version: 0.9.4
workflow:
  type: serial
  specification:
    steps:
      - {name: one, environment: '', commands: ['sleep 3; echo one >one']}
      - {name: two, environment: '', commands: ['sleep 3; cat one >two']}
outputs: {files: [two]}
`;

describe.skipIf(reason !== undefined)(`an edge that dies${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await lab.write('headnode', 'demo/reana.yaml', specification);
    await up();
  }, 240_000);
  afterAll(() => lab?.down());

  const up = () =>
    scailfin(lab, 'headnode', [
      'up',
      '--site',
      'lab-slurm',
      '--nodes',
      '1',
      '--walltime',
      '30m',
      '--framework',
      'reana',
    ]);
  const sh = async (script: string) =>
    (await lab.exec('headnode', ['bash', '-c', script], { check: false })).stdout.trim();
  const pid = () => sh(`cat ${edge}/edge.pid`);
  const keeper = () => sh(`ps -o ppid= -p $(cat ${edge}/edge.pid)`);
  const ping = () =>
    sh(
      'exec 3<>/dev/tcp/127.0.0.1/30443 && printf "GET /api/ping HTTP/1.0\\r\\n\\r\\n" >&3 && timeout 5 head -n 1 <&3',
    );
  const heals = async (old: string) => {
    await expect
      .poll(async () => (await pid()) !== old && (await ping()).includes(' 200 '), { timeout: 60_000, interval: 500 })
      .toBe(true);
  };
  const run = (name: string) =>
    lab.exec('headnode', ['sh', '-c', `cd demo && exec scailfin run --name ${name}`], {
      timeoutMs: 120_000,
      check: false,
    });

  attack(
    { by: 'a step', on: 'headnode', what: 'ends the edge by any signal, twice in a row, while a run goes on' },
    async count => {
      // who waits for it may give up: the run does not
      const running = run('killed');
      const journals = () => sh(`cat ${edge}/runs/*/journal.jsonl`);
      await expect.poll(journals, { timeout: 60_000 }).toContain('"status":"running"');
      for (const signal of ['TRAP', 'ABRT', 'SEGV', 'KILL']) {
        for (const _ of [1, 2]) {
          const old = await pid();
          await sh(`kill -${signal} ${old}`);
          await heals(old);
          count();
        }
      }
      await running;
      await expect.poll(journals, { timeout: 60_000 }).toContain('"status":"finished"');
      expect(await sh(`cat ${edge}/workspaces/*/two`)).toBe('one');
      expect(await sh('find . -name "core*" -size +1M')).toBe('');
    },
    2 * within,
  );

  attack(
    { by: 'a step', on: 'headnode', what: 'has the edge hang: it is ended, and goes on' },
    async () => {
      // minutes are too long for a test
      await sh(`sed -i 's/-lt 12 ]/-lt 2 ]/; s/sleep 10/sleep 3/; s/-c %Y/-c %y/' ${edge}/run.sh; kill ${await pid()}`);
      await expect.poll(ping, { timeout: 60_000 }).toContain(' 200 ');
      await expect.poll(pid, { timeout: 60_000 }).not.toBe('');
      const old = await pid();
      await sh(`kill -STOP ${old}`);
      await heals(old);
      expect(await sh(`grep -c 'no sign of life' ${edge}/log/edge.out`)).toBe('1');
    },
    2 * within,
  );

  attack(
    { by: 'a step', on: 'headnode', what: 'leaves the edge hanging, or nobody who runs it: up mends it' },
    async count => {
      for (const harm of ['kill -STOP $edge', 'kill -TRAP $keeper; sleep 3', 'kill -TRAP $keeper $edge']) {
        const [old, its] = [await pid(), await keeper()];
        await sh(harm.replace('$edge', old).replace('$keeper', its));
        const { exitCode, stderr } = await up();
        expect(exitCode, `${harm}: ${stderr}`).toBe(0);
        await heals(old);
        count();
      }
      expect((await run('mended')).exitCode).toBe(0);
    },
    2 * within,
  );

  attack(
    { by: 'a step', on: 'headnode', what: 'is there while the pool reads its configuration again' },
    async count => {
      const old = await pid();
      const said = await sh(
        'export CONDOR_CONFIG=$HOME/.scailfin/lab-slurm/pool/condor_config; for i in 1 2 3; do condor_reconfig >/dev/null; ' +
          'for j in 1 2 3 4 5; do sleep 0.2; (exec 3<>/dev/tcp/127.0.0.1/30443 && printf "GET /api/ping HTTP/1.0\\r\\n\\r\\n" >&3 && head -n 1 <&3) || echo refused; done; done 2>&1',
      );
      expect(said.split('\n').filter(line => !line.includes(' 200 '))).toEqual([]);
      expect(await pid()).toBe(old);
      count(15);
    },
    2 * within,
  );
});
