// @module-tag nightly; each time: cluster/relay
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { jobsOn, scailfin, statusOf, submitJobs } from './helpers/cluster.js';
import { joined, verified } from './helpers/cycle.js';

const reason = labUnavailable();
const profile = (name: string): string => `.config/scailfin/sites/${name}.yaml`;
const root = { user: 'root' };

/** The profile says nothing about the way out of its nodes, and more lines below `network`. */
async function silentProfile(lab: Lab, ...more: readonly string[]): Promise<string> {
  const said = await lab.read('headnode', profile('lab-slurm'));
  const text = said.replace(/ {2}outbound: \w+\n/, more.map(line => `  ${line}\n`).join(''));
  await lab.write('headnode', profile('lab-slurm'), text);
  return said;
}

describe.skipIf(reason !== undefined)(
  `sites without a way out${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 200_000 },
  () => {
    let lab: Lab;
    let said: string;
    beforeAll(async () => {
      lab = await Lab.up({ isolated: true });
      said = await lab.read('headnode', profile('lab-slurm'));
      // another site: the same machines, but other files
      const two = said.replace('name: lab-slurm', 'name: lab-two').replace('$HOME/.scailfin', '$HOME/.two');
      await lab.write('headnode', profile('lab-two'), two);
    });
    afterAll(async () => {
      await lab?.down();
    });
    const typed = async (...args: string[]) => scailfin(lab, 'headnode', args, { check: false });

    it('are found out by a job on a node, and remembered where the profile says nothing', async () => {
      await silentProfile(lab);
      expect((await typed('up', '--site', 'lab-slurm', '--dry-run', '--json')).stdout).not.toContain('"relay": true');
      const check = await typed('sites', 'check', 'lab-slurm', '--deep');
      expect(check.stdout).toMatch(
        /Network from the node: c1 can't reach this machine, so a relay on the login node, which it reaches \(10\.77\.1\.1\), will carry the pool's traffic/,
      );
      expect(check.exitCode).toBe(0);
      const today = new Date().toISOString().slice(0, 10);
      expect((await typed('sites', 'show', 'lab-slurm')).stdout.replaceAll(/\s+/g, ' ')).toContain(
        `compute nodes can't reach the internet (found on c1 by sites check, ${today})`,
      );
      const shown = JSON.parse((await typed('sites', 'show', 'lab-slurm', '--json')).stdout);
      expect(shown).toMatchObject({ measured: { outbound: false, node: 'c1', date: today } });
      const plan = JSON.parse((await typed('up', '--site', 'lab-slurm', '--dry-run', '--json')).stdout).plan;
      expect(plan.cluster).toMatchObject({ relay: true });
      // what the profile says counts more, and another site of that name is another site
      const text = await lab.read('headnode', profile('lab-slurm'));
      for (const other of [
        text.replace('network:', 'network:\n  outbound: true'),
        text.replace('[login]', '[elsewhere]'),
      ]) {
        await lab.write('headnode', profile('lab-slurm'), other);
        expect((await typed('sites', 'show', 'lab-slurm')).stdout).not.toContain('found on c1');
        expect((await typed('up', '--site', 'lab-slurm', '--dry-run', '--json')).stdout).not.toContain('"relay": true');
      }
      await lab.write('headnode', profile('lab-slurm'), said);
      await lab.exec('headnode', ['sh', '-c', 'rm -rf /tmp/scailfin-*']);
    });

    it('fetch data by the HTTP proxy of their profile, which never sees the traffic of the pool', async () => {
      const program = readFileSync(new URL('helpers/webproxy.js', import.meta.url), 'utf8');
      await lab.write('login', '/root/webproxy.js', program, root);
      const start = 'setsid node /root/webproxy.js 10.77.1.1 10.77.0.10 >/dev/null 2>&1 & sleep 1';
      await lab.exec('login', ['sh', '-c', start], root);
      const url = 'http://10.77.0.10:8080/data';
      expect((await lab.exec('c1', ['curl', '-sS', '--max-time', '3', url], { check: false })).exitCode).not.toBe(0);

      await silentProfile(lab, 'proxy: http://10.77.1.1:3128', 'noProxy: [.lab]');
      await typed('config', 'set', 'probeUrls', `[${url}]`);
      const check = await typed('sites', 'check', 'lab-slurm', '--deep', '--json');
      const { found } = JSON.parse(check.stdout);
      expect(found.urls).toMatchObject([
        { url, answers: true, proxied: true, words: '200 by the proxy http://10.77.1.1:3128' },
      ]);
      await typed('config', 'unset', 'probeUrls');
      const shown = (await typed('sites', 'show', 'lab-slurm')).stdout.replaceAll(/\s+/g, ' ');
      expect(shown).toMatch(
        /can't reach the internet \(found on c1.*\), HTTP by the proxy http:\/\/10\.77\.1\.1:3128, but without it to \.lab/,
      );

      await scailfin(lab, 'headnode', ['up', 'web', '--site', 'lab-slurm', '--walltime', '20m']);
      const command = `[ "$(curl -sS ${url})" = "from outside" ] && [ "$no_proxy,$HTTPS_PROXY" = localhost,127.0.0.1,.lab,$http_proxy ] || exit 1`;
      expect(await submitJobs(lab, 'headnode', 'web', 2, command)).toEqual(
        Array(2).fill({ user: 'alice', node: 'c1' }),
      );
      expect((await typed('down', 'web')).stdout).toContain(verified);
      const log = (await lab.read('login', '/tmp/proxy.log', root)).split('\n').filter(Boolean);
      expect(log.filter(line => line === `GET ${url} from 10.77.1.11`).length).toBeGreaterThanOrEqual(3);
      expect(log.filter(line => line.startsWith('CONNECT'))).toEqual([]);
      await lab.write('headnode', profile('lab-slurm'), said);
      expect(await lab.leftovers()).toEqual([]);
    });

    it('can be several in one cluster, each with its own relay; and the headnode itself', async () => {
      await scailfin(lab, 'headnode', ['up', 'wide', '--site', 'lab-slurm', '--walltime', '20m']);
      const scaled = await scailfin(lab, 'headnode', ['scale', 'wide', '--site', 'lab-two', '--nodes', '1']);
      expect(scaled.stderr).toContain('Opening the relay on alice@login');
      await scailfin(lab, 'headnode', ['scale', 'wide', '--site', 'local', '--nodes', '1']);
      // both sites' jobs are in the same Slurm here, and each site sees both
      await expect.poll(() => joined(lab, 'wide'), { timeout: 60_000, interval: 1000 }).toBe(5);
      const { sites } = await statusOf(lab, 'headnode', 'wide');
      expect(sites.map(s => s.relay?.state)).toEqual(['open', 'open', undefined]);
      expect(sites.map(s => s.relay?.nodes)).toEqual([1, 1, undefined]);
      expect(new Set(sites.map(s => s.relay?.at)).size).toBe(3);
      const down = await typed('down', 'wide');
      expect(down.stdout).toContain(verified);
      await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    });

    it('are refused by a cluster that they could not reach, before anything is changed', async () => {
      const refused = async (name: string, hint: RegExp): Promise<string> => {
        const { exitCode, stderr } = await typed('scale', name, '--site', 'lab-two', '--nodes', '1');
        expect(exitCode, stderr).toBe(2);
        expect(stderr).toMatch(hint);
        expect((await statusOf(lab, 'headnode', name)).sites).toHaveLength(1);
        return stderr;
      };
      const instead = /→ bring up another cluster there: scailfin up NAME --site lab-two --relay; /;
      await scailfin(lab, 'headnode', ['up', 'own', '--site', 'local', '--nodes', '1']);
      expect(await refused('own', instead)).toContain(
        'compute nodes of lab-two reach nothing but their login node, and own was brought up without a relay',
      );
      // who knows better is asked to show it
      await scailfin(lab, 'headnode', ['config', 'set', 'sites.lab-two.relay', 'false']);
      expect(await refused('own', instead)).toMatch(
        /alice@login can't reach the headnode .*, and own was brought up without a relay/,
      );
      await typed('down', 'own');
      await scailfin(lab, 'headnode', ['up', 'far', '--site', 'lab-slurm', '--walltime', '20m', '--no-wait']);
      expect(await refused('far', /→ scailfin config unset sites\.lab-two\.relay/)).toContain(
        'far is reached by relays only, and your settings refuse one at lab-two',
      );
      await typed('config', 'unset', 'sites.lab-two.relay');
      await typed('down', 'far');
      expect(await jobsOn(lab)).toEqual([]);
      await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    });
  },
);

describe.skipIf(reason !== undefined)(
  `a site whose login node has a way out, and whose nodes have none${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up();
      for (const node of ['c1', 'c2'] as const) await lab.exec(node, ['ip', 'route', 'del', 'default'], root);
      await silentProfile(lab);
    });
    afterAll(async () => {
      await lab?.down();
    });

    it('is found out by the first glide-in, and works with --relay', async () => {
      const request = ['up', 'cut', '--site', 'lab-slurm', '--walltime', '20m'];
      const first = await scailfin(lab, 'headnode', request, { check: false });
      expect(first.exitCode).toBe(1);
      expect(first.stderr).toMatch(
        /its node c1 is unfit: the headnode does not answer at 10\.77\.0\.3 port \d+ from this node/,
      );
      expect(first.stderr).toMatch(/→ let a relay on the login node carry the pool's traffic: .* with --relay; /);
      expect(await jobsOn(lab)).toEqual([]);
      await scailfin(lab, 'headnode', ['down', 'cut']);
      const second = await scailfin(lab, 'headnode', [...request, '--relay']);
      expect(second.stdout).toContain('1 of 1 glide-ins has joined');
      expect((await scailfin(lab, 'headnode', ['down', 'cut'])).stdout).toContain(verified);
      await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    }, 200_000);
  },
);
