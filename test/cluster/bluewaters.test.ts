import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gsiLog, makeGsiSite, placeIn } from '../lab/gsi.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { gsisshTree } from '../lab/real/gsisshd.js';
import { realTree } from '../lab/real/tree.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { makeCray, shifterFiles } from './helpers/cray.js';
import { verified } from './helpers/cycle.js';

const image = 'docker.io/library/debian:12';
/** The second step lasts for as long as a renewal takes. */
const specification = `version: 0.9.4
inputs:
  files: [gen.sh, fit.sh]
workflow:
  type: serial
  specification:
    steps:
      - name: gendata
        environment: ${image}
        commands: ['sh gen.sh 20 >data.txt']
      - name: fitdata
        environment: ${image}
        commands: ['sleep 6; sh fit.sh >plot.txt']
outputs: {files: [plot.txt]}
`;
const gen = 'i=0; while [ $i -lt $1 ]; do i=$((i + 1)); echo $((i * i)); done\n';
const fit = `sum=0; while read -r x; do sum=$((sum + x)); done <data.txt; echo "sum $sum"
cat /etc/image /proc/sys/kernel/hostname
`;

const tree = realTree('torque').tree;
const roads = [
  { site: 'torque', title: 'stand-ins', reason: labUnavailable() },
  {
    site: 'real-torque',
    title: `the real Torque${gsisshTree() === undefined ? '' : ' and the real GSI-OpenSSH'}`,
    reason: labUnavailable() ?? (tree === undefined ? 'SCAILFIN_TEST_TORQUE names none' : undefined),
  },
] as const;

for (const { site, title, reason } of roads) {
  const name = `the road of Blue Waters with ${title}${reason ? ` (skipped: ${reason})` : ''}`;
  describe.skipIf(reason !== undefined)(name, () => {
    const isReal = site === 'real-torque';
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up({ site });
      await makeGsiSite(lab, isReal);
      await makeCray(lab);
      await lab.write('laptop', 'demo/gen.sh', gen);
      await lab.write('laptop', 'demo/fit.sh', fit);
      await lab.write('laptop', 'demo/reana.yaml', specification);
    });
    afterAll(async () => {
      await lab?.down();
    });
    const type = async (...args: string[]) => scailfin(lab, 'laptop', args);
    /** Seconds that the proxies of the site's directory and of the user have left, as Globus says. */
    const timeLeft = async (host: 'login' | 'laptop', file: string): Promise<number> =>
      Number((await lab.exec(host, ['grid-proxy-info', '-file', file, '-timeleft'])).stdout);

    it('leads from the laptop through login, MOM node and compute node to a plot, and back', async () => {
      await type('config', 'set', 'sites.bluewaters.user', 'alice');
      await type('proxy', 'init', '--hours', '2');
      const up = await type('up', '--site', 'bluewaters', '--framework', 'reana', '--proxy');
      expect(up.stdout).toContain('bluewaters: running. 1 of 1 glide-ins has joined.');

      // the script is on the MOM node, the glide-in on the compute node, and aprun is between them
      const there = (await statusOf(lab, 'laptop', 'bluewaters')).sites[0];
      expect(there?.glideins).toMatchObject([{ node: 'c2', joined: true, cores: 8 }]);
      const { stdout: onMom } = await lab.exec('c1', ['pgrep', '-u', 'alice', '-a', 'aprun|condor_']);
      expect(onMom).toMatch(/aprun -b -n 1 -d 8 -- /);
      expect(onMom).not.toContain('condor_');

      const run = lab.spawn('laptop', ['sh', '-c', 'cd demo && exec scailfin run reana.yaml']);
      let said = '';
      const ended = new Promise(resolve => run.once('exit', resolve));
      for (const stream of [run.stdout, run.stderr])
        stream?.on('data', data => {
          said += data;
        });
      await expect.poll(() => said, { timeout: 60_000 }).toMatch(/fitdata: running/);

      const given = '.scailfin/bluewaters/site/x509up';
      expect(await timeLeft('login', given)).toBeLessThanOrEqual(2 * 3600);
      const renewed = await type('proxy', 'renew', 'bluewaters', '--hours', '12');
      expect(renewed.stderr).toMatch(/Renewing the proxy of bluewaters: in 2 places/);
      expect(await timeLeft('login', given)).toBeGreaterThan(11 * 3600);
      expect(await timeLeft('laptop', '/tmp/x509up_u3001')).toBeGreaterThan(11 * 3600);

      expect(await ended, said).toBe(0);
      expect(said).toContain('finished, 2 of 2 steps');
      expect(await lab.read('laptop', 'demo/plot.txt')).toBe('sum 2870\nthis is the image\nc2\n');

      expect((await type('down')).stdout).toContain(verified);
      const left = async () => (await lab.leftovers()).filter(line => !shifterFiles.test(line));
      await expect.poll(left, { timeout: 60_000 }).toEqual([]);
      const log = await gsiLog(placeIn(lab, 'login'));
      expect(log).toMatch(isReal && gsisshTree() ? /Accepted gssapi-with-mic for alice .*CN=Scail User/ : /delegating/);
    });
  });
}
