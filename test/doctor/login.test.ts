import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { Ward } from './helpers/ward.js';

const reason = labUnavailable();

/** As far as a shell at the site: what batch system it has doesn't matter. */
describe.skipIf(reason !== undefined)(`the way into a site${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let ward: Ward;
  beforeAll(async () => {
    ward = await Ward.open('slurm');
  });
  afterAll(() => ward?.close());
  afterEach(() => ward.expectNothing());

  const here = (script: string) => ward.sh('headnode', script);
  const setAside = async (file: string, work: () => Promise<void>) => {
    await here(`mv ${file} ${file}.aside`);
    await work().finally(() => here(`mv ${file}.aside ${file}`));
  };

  test('an unknown host name', async () => {
    await ward.profile('nameless', text => text.replace('hosts: [login]', 'hosts: [login.nowhere.invalid]'));
    await ward.diagnoses(
      {
        stage: 'name',
        says: [/^login\.nowhere\.invalid: (there is no host of that name|no answer from the name service)/],
        hint: /check (the spelling in .*nameless\.yaml \(login\.hosts\); .*VPN|that this machine is on the network)/,
      },
      [],
      'nameless',
    );
  });

  test('one login node of two has an unknown host name', async () => {
    await ward.profile('half', text => text.replace('hosts: [login]', 'hosts: [gone.invalid, login]'));
    const report = await ward.examine([], 'half');
    expect(report.stages[0]).toMatchObject({
      ...{ id: 'name', status: 'warning' },
      detail: expect.stringMatching(/^login is 10\.77\.0\.10; gone\.invalid: /),
      hint: expect.stringContaining('half.yaml'),
    });
    expect([report.ok, report.exitCode]).toEqual([true, 0]);
  });

  test('a port where nobody listens', async () => {
    await ward.profile('other-port', text => text.replace('user: alice', 'user: alice\n  port: 2222'));
    await ward.diagnoses(
      {
        stage: 'tcp',
        says: [/^login at port 2222: connection refused$/],
        hint: /an SSH server answers at port 22: remove the port in .*other-port\.yaml \(login\.port\)/,
      },
      [],
      'other-port',
    );
  });

  test('a port where something else listens', async () => {
    await ward.profile('web', text => text.replace('[login]', '[headnode]').replace('user: alice', 'port: 8099'));
    const diagnosis = {
      stage: 'tcp',
      says: [/^headnode at port 8099: it sends no greeting, so it is not an SSH server/],
      hint: /check the port in .*web\.yaml/,
    };
    await here('printf "Host headnode\\n  ConnectTimeout 2\\n" > .ssh/config');
    await ward.diagnoses(diagnosis, [], 'web').finally(() => here('rm .ssh/config'));
  });

  test('a host that does not answer', async () => {
    await here('printf "Host login\\n  ConnectTimeout 2\\n" > .ssh/config');
    await ward.lab.partition('login', true);
    const diagnosis = {
      stage: 'tcp',
      says: [/^login at port 22: (no answer in 2 s|there is no route)/],
      hint: /VPN.*(status page|may be needed)|VPN may be needed/,
    };
    await ward.diagnoses(diagnosis).finally(async () => {
      await ward.lab.partition('login', false);
      await here('rm .ssh/config');
    });
  });

  test('an unknown host key, and nobody to ask', () =>
    setAside('.ssh/known_hosts', async () => {
      const says = ['the host key of login is not known: ssh-ed25519 SHA256:'];
      await ward.diagnoses({ stage: 'hostkey', says, hint: /ssh-keyscan.* login .*then log in once: ssh alice@login/ });
    }));

  test('a host key that changed', () =>
    setAside('.ssh/known_hosts', async () => {
      await here(
        'ssh-keygen -q -t ed25519 -N "" -f other; echo "login $(cut -d" " -f1,2 other.pub)" > .ssh/known_hosts',
      );
      await ward
        .diagnoses({
          stage: 'hostkey',
          says: ['the host key of login has changed', /known: ssh-ed25519 SHA256:/, /shown: ssh-ed25519 SHA256:/],
          hint: /between you and the host.*ssh-keygen -R login/,
        })
        .finally(() => here('rm -f other other.pub'));
    }));

  test('a key the site does not know', () =>
    setAside('.ssh/id_ed25519', () =>
      setAside('.ssh/id_ed25519.pub', async () => {
        await here('ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519');
        await ward.diagnoses({
          stage: 'login',
          says: ['login did not accept alice', /tried: .*id_ed25519/, 'the server takes: publickey'],
          hint: /scailfin login alice@login|ssh -v alice@login|IdentityFile/,
        });
      }),
    ));

  test('a user name that the site does not know', async () => {
    await ward.profile('anonymous', text => text.replace('\n  user: alice', ''));
    await ward.diagnoses(
      {
        stage: 'login',
        says: ['login did not accept scail'],
        hint: /if the site does not know you as scail, give --user NAME, or .*scailfin config set sites\.anonymous\.user NAME/,
      },
      [],
      'anonymous',
    );
    expect((await ward.examine(['--user', 'alice'], 'anonymous')).ok).toBe(true);
  });

  test('through a jump host, whose name and port are looked at', async () => {
    await ward.lab.write('laptop', '.ssh/config', 'Host login\n  ProxyJump headnode\n');
    const check = (...args: string[]) =>
      ward.lab.exec('laptop', ['scailfin', 'sites', 'check', ...args], { check: false });
    const { stdout } = await check('lab-slurm');
    expect(stdout).toMatch(/✓ Name resolves: headnode, the jump host on the way to login, is 10\.77\.0\.3/);
    expect(stdout).toMatch(
      /✓ TCP connects: headnode, the jump host on the way to login, answers at 10\.77\.0\.3 port 22/,
    );
    expect(stdout).toMatch(/✓ Host key: headnode: ssh-ed25519 SHA256:.*; login: ssh-ed25519 SHA256:/);
    expect(stdout).toMatch(/✓ Login: as alice@login/);

    await ward.lab.write('laptop', '.ssh/config', 'Host login\n  ProxyJump nowhere.invalid\n');
    const nowhere = await check('lab-slurm');
    expect(nowhere.exitCode).toBe(1);
    expect(nowhere.stdout).toMatch(/✗ Name resolves: nowhere\.invalid, the jump host on the way to login: /);

    await ward.lab.write('laptop', '.ssh/config', 'Host login\n  ProxyJump headnode\nHost headnode\n  User nobody\n');
    const stranger = await check('lab-slurm');
    expect(stranger.stdout).toMatch(/✓ Host key: headnode: /);
    expect(stranger.stdout).toMatch(
      /✗ Login: on the way to login \(jump host headnode\): headnode did not accept nobody/,
    );
    await ward.sh('laptop', 'rm .ssh/config');
  });

  test('by the system’s ssh, and through a ProxyCommand that only it can run', async () => {
    const known = /^login: ssh-ed25519 SHA256:\S+, known from /;
    const systems = await ward.examine(['--transport', 'openssh']);
    expect(systems.stages.find(s => s.id === 'hostkey')?.detail).toMatch(known);
    expect([systems.ok, systems.stages.find(s => s.id === 'login')?.detail]).toEqual([true, 'as alice@login']);

    await here('printf "Host login\\n  ProxyCommand nc %%h %%p\\n" > .ssh/config');
    const { ok, stages } = await ward.examine().finally(() => here('rm .ssh/config'));
    expect(ok, JSON.stringify(stages, null, 1)).toBe(true);
    expect(stages.slice(0, 3).map(s => s.detail)).toEqual([
      "login is resolved by its ProxyCommand\nsettings: ~/.ssh/config as the system's ssh understands it",
      'login is reached by its ProxyCommand',
      expect.stringContaining("login is reached by a ProxyCommand: the system's ssh connects"),
    ]);
  });

  test('a wrong command line: nothing is changed', async () => {
    const refuses = async (args: string[], says: RegExp, hint: RegExp) => {
      const argv = ['scailfin', 'sites', 'check', ...args, '--json'];
      const { stdout, exitCode } = await ward.lab.exec('headnode', argv, { check: false });
      const { message, hint: advice } = JSON.parse(stdout);
      expect([message, advice, exitCode]).toEqual([expect.stringMatching(says), expect.stringMatching(hint), 2]);
    };
    await refuses(['lab-slrum'], /there is no site lab-slrum; did you mean lab-slurm/, /written user@lab-slrum/);
    await refuses(['lab-slurm', '--write'], /lab-slurm has a profile already: .*lab-slurm\.yaml/, /user@host --write/);
    await refuses(['alice@login', '--write', '/etc/hosts'], /\/etc\/hosts exists already/, /another file/);
    await refuses(['bluewaters'], /is retired since/, /sites list/);
    await refuses(['lab-slurm', '--timeout', 'soon'], /--timeout.*invalid/, /sites --help|--help/);
  });
});
