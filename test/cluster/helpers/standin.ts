import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Output } from '../../../src/schedulers/job.js';
import { readerOf } from '../../../src/schedulers/registry.js';
import type { Reader } from '../../../src/schedulers/understanding.js';
import { Lab, labUnavailable } from '../../lab/lab.js';
import { isRealSystem, realTree } from '../../lab/real/tree.js';
import type { SiteName } from '../../lab/site.js';
import { scailfin, statusOf } from './cluster.js';
import { type CycleSite, cycle, joined, verified } from './cycle.js';

/** A site whose batch system is a stand-in, with what a test must know of its words. */
export interface StandInSite extends CycleSite {
  readonly site: SiteName;
  readonly title: string;
  /** How `sites check` calls what it finds, and programs of other batch systems, which nobody is to find. */
  readonly found: string;
  readonly hidden: readonly string[];
  /** A directive that holds a job from the start, and the command that lets all of alice's go. */
  readonly hold: string;
  readonly release: string;
  /** What status tells of such a job. */
  readonly held: { readonly word: string; readonly reason: RegExp };
  /** What status tells while the server is away. */
  readonly away: RegExp;
  /** Commands in a row on the login node, and what the system's reader must make of each answer. */
  readonly said: readonly Said[];
  /** Tests of its own. */
  readonly more?: (lab: () => Lab, isReal: boolean) => void;
}

export interface Said {
  readonly cmd: string;
  /** Before it is run, there may be something to wait for. */
  readonly after?: number;
  readonly kind: string;
  /** States of the jobs that are told, in their order; undefined where a command tells none. */
  readonly states?: readonly (string | undefined)[];
  readonly exits?: readonly (number | undefined)[];
  readonly error?: RegExp;
}

/** The same tests with the stand-in, and with the real batch system if its variable names a tree of it. */
export function standInSite(site: StandInSite): void {
  batchSite(site, labUnavailable());
  if (!isRealSystem(site.site)) return;
  const { tree, variable } = realTree(site.site);
  const real = { ...site, site: `real-${site.site}` as SiteName, title: `the real ${site.title}`, found: site.title };
  batchSite(real, labUnavailable() ?? (tree === undefined ? `${variable} names none` : undefined));
}

/** A cluster's life, a held job, an outage, and that each answer is one the recordings' readers understand. */
function batchSite(site: StandInSite, reason: string | undefined): void {
  describe.skipIf(reason !== undefined)(`a cluster on ${site.title}${reason ? ` (skipped: ${reason})` : ''}`, () => {
    const isReal = site.site.startsWith('real-');
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up({ site: site.site });
    }, 180_000);
    afterAll(async () => {
      await lab?.down();
    });
    const clean = () => expect.poll(() => lab.leftovers(), { timeout: 15_000 }).toEqual([]);

    it('goes up, runs jobs as alice on both nodes, scales, and goes down clean', () => cycle(lab, site), 180_000);

    it('is recognised by its answers alone', async () => {
      const { stdout } = await scailfin(lab, 'headnode', ['sites', 'check', 'alice@login']);
      expect(stdout).toContain(`Batch system: ${site.found}`);
      const where = ['sh', '-c', 'command -v "$@"', 'where', ...site.hidden];
      for (const host of ['login', 'c1'] as const)
        expect((await lab.exec(host, where, { check: false })).stdout, host).toBe('');
    });

    it('says why a glide-in is held', async () => {
      await variant(lab, 'held', profile => profile.replace(/( +)type: \w+\n/, `$&$1directives: ['${site.hold}']\n`));
      const request = ['--site', 'held', '--nodes', '2', '--walltime', '30m', '--no-wait'];
      await scailfin(lab, 'headnode', ['up', ...request]);
      const { sites } = await statusOf(lab, 'headnode', 'held');
      expect(sites[0]?.glideins).toHaveLength(2);
      for (const glidein of sites[0]?.glideins ?? []) {
        expect(glidein).toMatchObject({ state: 'held', word: site.held.word });
        expect(glidein.reason).toMatch(site.held.reason);
      }
      // a real system may still be busy with the hold, and refuse
      const released = async () => {
        await lab.exec('login', ['sh', '-c', site.release], { check: false });
        return joined(lab, 'held');
      };
      await expect.poll(released, { timeout: 60_000, interval: 2000 }).toBe(2);
      expect((await scailfin(lab, 'headnode', ['down', 'held'])).stdout).toContain(verified);
      await clean();
    }, 120_000);

    it('counts no job as gone while the server is away', async () => {
      await scailfin(lab, 'headnode', ['up', '--site', site.profile, '--nodes', '2', '--walltime', '30m']);
      await lab.stopScheduler();
      const away = await statusOf(lab, 'headnode', site.profile);
      expect(away.sites[0]?.error).toMatch(site.away);
      expect(away.sites[0]?.glideins.map(g => [g.state, g.joined])).toEqual([
        ['unknown', true],
        ['unknown', true],
      ]);
      const down = await scailfin(lab, 'headnode', ['down', site.profile], { check: false });
      expect(down.exitCode, down.stderr).toBe(1);
      expect(down.stderr).toContain(`scailfin down ${site.profile}`);
      await lab.startScheduler();
      expect(await lab.leftovers()).not.toEqual([]);
      expect((await scailfin(lab, 'headnode', ['down', site.profile])).stdout).toContain(verified);
      await clean();
      // LSF's programs wait for their server as long as they are let
    }, 240_000);

    it('says what the reader of recordings understands', async () => {
      const read = readerOf(site.site.replace(/^real-/, '')) as Reader;
      /** A real system takes its time until a job has come as far as is expected. */
      const ask = async ({ cmd, kind, states }: Said, until: number): Promise<Output> => {
        const out = await lab.exec('login', ['sh', '-c', cmd], { check: false });
        const isSo = read(cmd, out).jobs.every((job, n) => job.state === states?.[n]);
        if (!isReal || kind !== 'list' || states === undefined || isSo || Date.now() > until) return out;
        await new Promise(resolve => setTimeout(resolve, 1000));
        return ask({ cmd, kind, states }, until);
      };
      for (const one of site.said) {
        const { cmd, after = 0, kind, states, exits, error } = one;
        await new Promise(resolve => setTimeout(resolve, after));
        const out = await ask(one, Date.now() + 45_000);
        const { jobs, ...understood } = read(cmd, out);
        const about = `${cmd}\n${out.stdout}${out.stderr}`;
        expect(understood.kind, about).toBe(kind);
        if (error) expect(understood.error, about).toMatch(error);
        else expect(understood.error, about).toBeUndefined();
        if (states)
          expect(
            jobs.map(j => j.state),
            about,
          ).toEqual(states);
        if (exits)
          expect(
            jobs.map(j => j.exit),
            about,
          ).toEqual(exits);
      }
      await clean();
    }, 240_000);

    site.more?.(() => lab, isReal);
  });
}

/** Another profile of the lab's site, under a name of its own. */
export async function variant(lab: Lab, name: string, change: (profile: string) => string): Promise<void> {
  const profile = change(lab.site.profile.replace(/^name: .*/, `name: ${name}`));
  await lab.write('headnode', `.config/scailfin/sites/${name}.yaml`, profile);
}
