import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SiteProfile } from '../../../src/sites/schema.js';
import { labUnavailable } from '../../lab/lab.js';
import { isRealSystem, realTree } from '../../lab/real/tree.js';
import type { SiteName } from '../../lab/site.js';
import { type DoctorSite, doctorSites } from './sites.js';
import { expectCulprit, Ward } from './ward.js';

/** The tests of `sites check` at one site of a lab; each is a file of its own, because they take long. */
export function checkSite(name: SiteName): void {
  const site = doctorSites.find(one => one.site === name) as DoctorSite;
  check(site, labUnavailable());
  if (!isRealSystem(name)) return;
  const { tree, variable } = realTree(name);
  check(
    { ...site, site: `real-${name}` as SiteName },
    labUnavailable() ?? (tree === undefined ? `${variable} names none` : undefined),
  );
}

function check(site: DoctorSite, reason: string | undefined): void {
  describe.skipIf(reason !== undefined)(`sites check with ${site.site}${reason ? ` (skipped: ${reason})` : ''}`, () => {
    let ward: Ward;
    beforeAll(async () => {
      ward = await Ward.open(site.site);
    });
    afterAll(() => ward?.close());
    afterEach(() => ward.expectNothing());

    test('a good site: each stage says what it saw', async () => {
      const report = await ward.examine();
      const shown = JSON.stringify(report.stages, null, 1);
      expect([report.site, report.ok, report.exitCode], shown).toEqual([ward.site, true, 0]);
      expect(report.stages.map(s => s.id)).toEqual(
        'name tcp hostkey login shell scheduler submission work network'.split(' '),
      );
      const detail = Object.fromEntries(report.stages.map(s => [s.id, s.detail]));
      expect(detail.name).toBe("login is 10.77.0.10\nsettings: ~/.ssh/config as the system's ssh understands it");
      expect(detail.tcp).toMatch(/^login answers at 10\.77\.0\.10 port 22: OpenSSH_\d/);
      expect(detail.hostkey).toMatch(
        /^login: ssh-ed25519 SHA256:\S+, known from \/home\/scail\/\.ssh\/known_hosts:\d+$/,
      );
      expect(detail.login).toBe('as alice@login');
      expect(detail.shell).toMatch(/^bash on login, as alice/);
      expect(detail.scheduler).toMatch(site.version);
      expect(detail.submission).toMatch(site.tried);
      expect(detail.work).toMatch(/^\/home\/alice\/\.scailfin: \d.* GiB free/);
      expect(detail.network).toMatch(
        /it reaches this machine at 10\.77\.0\.3 port 9618; http:\/\/headnode:8099\/ answers/,
      );
      for (const stage of report.stages) {
        expect(stage.seconds).toBeGreaterThanOrEqual(0);
        // a lab's home is on a local disk, of which only --deep can tell that nodes have it
        expect(stage.status, shown).toBe(stage.id === 'work' ? 'warning' : 'ok');
      }
      expect(report.found).toBeUndefined();
    });

    test('a deep look: what the job was given, and what the machine is', async () => {
      const report = await ward.examine(['--deep']);
      expect(
        report.stages.filter(s => s.status !== 'ok'),
        JSON.stringify(report.stages, null, 1),
      ).toEqual([]);
      const { found } = report;
      if (!found) throw new Error('nothing was found');
      const truth = await ward.sh(
        found.node as 'c1',
        `nproc --all; awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo; uname -r; sed -n 's/^PRETTY_NAME=//p' /etc/os-release; apptainer --version; ch-run --version 2>&1`,
      );
      const [cores, memory, kernel, os = '', apptainer = '', charliecloud = ''] = truth.trim().split('\n');
      expect(['c1', 'c2']).toContain(found.node);
      expect(found.allocation).toEqual({ cores: 8, memory: 16000 });
      expect(found.machine).toMatchObject({ cores: Number(cores), memory: Number(memory) });
      expect(found.system).toMatchObject({ kernel, os: os.replaceAll('"', ''), arch: 'x86_64' });
      expect(found.gpus).toEqual([]);
      expect(found.runtimes.map(r => [r.runtime, r.path, r.version])).toEqual([
        ['singularity', '/usr/bin/singularity', apptainer.split(' ').at(-1)],
        ['apptainer', '/usr/bin/apptainer', apptainer.split(' ').at(-1)],
        ['charliecloud', '/usr/bin/ch-run', charliecloud.replace('~', '')],
      ]);
      expect(found.modules).toEqual({ names: [] });
      expect([found.work, found.writable, found.clockSkew]).toEqual(['same', true, 0]);
      expect(found.headnode).toContainEqual({ to: '10.77.0.3 port 9618', answers: true, words: 'answers' });
      expect(found.login[0]).toEqual({ to: '10.77.1.1 port 22', answers: true, words: 'answers' });
      expect(found.urls).toEqual([{ url: 'http://headnode:8099/', answers: true, words: '200' }]);
      expect(found.job.id).toMatch(/^\d+/);
    });

    test('a program that only a login shell finds', async () => {
      const { program } = site;
      // some are links to a wrapper that looks at its name
      const away = `mkdir -p /opt/batch/bin; f=$(command -v ${program}); real=$(readlink -f "$f"); mv "$f" "$f.away"
      [ "$real" != "$f" ] || real=$f.away; ln -s "$real" /opt/batch/bin/${program}; echo "$f" >/opt/batch/was
      echo 'PATH=/opt/batch/bin:$PATH' >/etc/profile.d/batch.sh`;
      const back = `f=$(cat /opt/batch/was); mv "$f.away" "$f"; rm -r /opt/batch /etc/profile.d/batch.sh`;
      await ward.during('login', away, back, async () => expect((await ward.examine()).ok).toBe(true));
      // a real installation has it in a place of its own, too, where it is found
      if (site.site.startsWith('real-')) return;
      // where no login shell finds it either, it is said where it is
      const hidden = `${away}\nrm /etc/profile.d/batch.sh; touch /etc/profile.d/batch.sh`;
      const missing = {
        stage: 'scheduler',
        says: [
          new RegExp(`^${program}: not in the PATH of commands that come by ssh \\(/usr/local/bin:`),
          `although there is /opt/batch/bin/${program}`,
        ],
        hint: 'at the site, put this at the top of ~/.bashrc: export PATH=/opt/batch/bin:$PATH',
      };
      await ward.during('login', hidden, back, () => ward.diagnoses(missing));
    });

    test('the batch system is away', async () => {
      await ward.lab.stopScheduler();
      const diagnosis = {
        stage: 'scheduler',
        says: ['is installed but does not answer:'],
        hint: /try again when it is back/,
      };
      // their own time-outs are long: once is enough
      expectCulprit(await ward.examine().finally(() => ward.lab.startScheduler()), diagnosis);
      // a schedd that was killed may have an ended job again: that is cleared away
      expect((await ward.examine()).ok).toBe(true);
    }, 120_000);

    test.runIf(site.queue)('a queue that the profile has and the site has not', async () => {
      await ward.profile('hopeful', text => text.replace('queues:\n', 'queues:\n  gone: { walltime: 2d, nodes: 2 }\n'));
      await ward.diagnoses(
        {
          stage: 'submission',
          says: [site.queue?.unknown as RegExp],
          hint: new RegExp(`--queue ${site.queue?.name}; correct "queues" in .*hopeful\\.yaml`),
        },
        ['--queue', 'gone'],
        'hopeful',
      );
    });

    test.runIf(site.account)(
      'an account that the site does not know',
      async () => {
        await site.account?.strict?.(ward.lab);
        const deep = site.account?.stage === 'job' ? ['--deep'] : [];
        const diagnosis = {
          stage: site.account?.stage as string,
          says: [site.account?.refused as RegExp],
          hint: /name one of your (allocations|projects): --account NAME/,
        };
        await ward.diagnoses(diagnosis, ['--account', 'alchemy', ...deep]);
        if (site.account?.strict) expect((await ward.examine(['--account', 'physics', ...deep])).ok).toBe(true);
      },
      120_000,
    );

    test('a work directory that is not what the nodes have', async () => {
      const each = (script: string) => Promise.all((['c1', 'c2'] as const).map(node => ward.sh(node, script, 'root')));
      await each('mount -t tmpfs -o uid=2001,gid=2001,mode=755 none /home/alice');
      const diagnosis = {
        stage: 'job',
        says: [
          site.unshared ?? /^the job ended on c\d \(.*\) and left nothing in \/home\/alice\/\.scailfin\/\.check\/site$/,
        ],
        hint: /most likely compute nodes do not see that directory: set directories\.work/,
      };
      expectCulprit(await ward.examine(['--deep']).finally(() => each('umount /home/alice')), diagnosis);
    }, 180_000);

    test('Ctrl-C while its job runs: nothing stays', async () => {
      // nobody has that address: the job waits for seconds
      const config = `probeUrls: ['http://10.77.0.99/', 'http://10.77.0.98/', 'http://10.77.0.97/']\n`;
      const before = await ward.lab.read('headnode', '.config/scailfin/config.yaml');
      await ward.lab.write('headnode', '.config/scailfin/config.yaml', config);
      const check = ward.start(['--deep']);
      await ward.untilSubmitted();
      expect(await check.end('SIGINT'), check.said).toBe(130);
      expect(check.said).toMatch(/error: interrupted\n {2}→ the check left no files at the site\n$/);
      await ward.expectNothing();

      // killed outright, it leaves its job; the next check clears that away
      const killed = ward.start(['--deep']);
      await ward.untilSubmitted();
      await killed.end('SIGKILL');
      await ward.lab.write('headnode', '.config/scailfin/config.yaml', before);
      const report = await ward.examine();
      expect(report.stages.find(s => s.id === 'work')?.detail).toContain('removed what an earlier check left');
      await ward.expectNothing();
    }, 120_000);

    test('a host without a profile: one is written with which `up` would work', async () => {
      const { text, exitCode } = await ward.read(['--deep', '--write'], 'alice@login');
      expect(exitCode, text).toBe(0);
      const file = '/home/scail/.config/scailfin/sites/login.yaml';
      expect(text).toContain(
        `wrote ${file}; look at the lines that say guessed\nNext: scailfin up --site login --dry-run`,
      );
      const profile = JSON.parse(await ward.sh('headnode', 'scailfin sites show login --json')) as SiteProfile;
      const { profile: yaml } = ward.lab.site;
      expect(profile).toMatchObject({
        ...{ name: 'login', login: { hosts: ['login'], user: 'alice' } },
        scheduler: { type: /type: (\w+)/.exec(yaml)?.[1] },
        containers: [{ runtime: 'singularity' }, { runtime: 'apptainer' }, { runtime: 'charliecloud' }],
        network: { outbound: true, loginAddress: '10.77.1.1' },
      });
      if (site.queue) expect(profile.queues[site.queue.name]).toMatchObject({ default: true });
      expect(await ward.lab.read('headnode', file)).toMatch(/^ *# guessed/m);
      expect(await ward.sh('headnode', 'scailfin sites validate .config/scailfin/sites/login.yaml')).toMatch(
        /no mistakes/,
      );
      expect(await ward.sh('headnode', 'scailfin up --site login --dry-run')).toMatch(/asks for .*8 cores/);

      await ward.sh('headnode', `rm -r ${file} /tmp/scailfin-login-*`);
    }, 180_000);
  });
}
