import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { Bench, up } from './helpers/bench.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(`no way into the site${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.open();
  });
  afterAll(() => bench?.close());
  afterEach(() => bench.expectNothing());

  const sh = (script: string) => bench.lab.exec('headnode', ['sh', '-ec', script]);
  const setAside = async (file: string, work: () => Promise<void>) => {
    await sh(`mv ${file} ${file}.aside`);
    await work().finally(() => sh(`mv ${file}.aside ${file}`));
  };

  test('a key the site does not know', () =>
    setAside('.ssh/id_ed25519', async () => {
      await sh('mv .ssh/id_ed25519.pub .ssh/right.pub; ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519');
      const refused = {
        says: ['login did not accept alice', /tried: .*id_ed25519/, 'the server takes: publickey'],
        hint: /ssh -v alice@login|IdentityFile/,
      };
      await bench.refuses(up('wrong-key'), refused);
      await bench.refuses(up('wrong-key', '--json'), refused);
      await sh('mv .ssh/right.pub .ssh/id_ed25519.pub');
    }));

  test('no key at all', () =>
    setAside('.ssh/id_ed25519', async () => {
      const says = ['login did not accept alice', 'nothing, for want of a key'];
      await bench.refuses(up('no-key'), { says, hint: /IdentityFile|ssh -v alice@login/ });
    }));

  test('an unknown host key, and nobody to ask', () =>
    setAside('.ssh/known_hosts', async () => {
      const refused = {
        says: ['the host key of login is not known', 'SHA256:'],
        hint: /ssh-keyscan.* login .*ssh alice@login/,
      };
      await bench.refuses(up('unknown-host'), refused);
      await bench.refuses(up('unknown-host', '--json'), refused);
      expect((await sh('cat .ssh/known_hosts 2>/dev/null || true')).stdout).toBe('');
    }));

  test('a host key that changed is refused whatever the configuration says', () =>
    setAside('.ssh/known_hosts', async () => {
      await sh('ssh-keygen -q -t ed25519 -N "" -f other; echo "login $(cut -d" " -f1,2 other.pub)" > .ssh/known_hosts');
      const refused = {
        says: ['the host key of login has changed', /known: ssh-ed25519 SHA256:/, /shown: ssh-ed25519 SHA256:/],
        hint: /between you and the host.*ssh-keygen -R login/,
      };
      await bench.refuses(up('changed-host'), refused);
      await sh('printf "Host *\\n  StrictHostKeyChecking no\\n" > .ssh/config');
      await bench.refuses(up('changed-host'), refused);
      await sh('rm -f .ssh/config other other.pub');
    }));

  test('a host that does not answer', async () => {
    await sh('printf "Host login\\n  ConnectTimeout 2\\n" > .ssh/config');
    await bench.lab.partition('login', true);
    const says = ["can't reach login at port 22", 'no answer'];
    const ran = await bench
      .refuses(up('silent'), { says, hint: /check the name, the port and the network: ssh alice@login/ })
      .finally(() => bench.lab.partition('login', false));
    await sh('rm .ssh/config');
    expect(ran.ms).toBeLessThan(10_000);
  });

  test('a port where nobody listens', async () => {
    await bench.profile('other-port', text => text.replace('user: alice', 'user: alice\n  port: 2222'));
    await bench.refuses(['up', 'refused', '--site', 'other-port'], {
      says: ["can't reach login at port 2222", 'connection refused'],
      hint: 'ssh -p 2222 alice@login',
    });
  });

  test('an unknown host name', async () => {
    await bench.profile('no-such-host', text => text.replace('hosts: [login]', 'hosts: [login.nowhere.invalid]'));
    const refused = {
      says: ["can't reach login.nowhere.invalid", /there is no host of that name|could not be looked up/],
      hint: 'check the name',
    };
    await bench.refuses(['up', 'nameless', '--site', 'no-such-host'], refused);
    await bench.refuses(['up', 'nameless', '--site', 'no-such-host', '--json'], refused);
  });

  test('a headnode that is out of reach, where the site is not', async () => {
    await bench.refuses(up('far-head', '--headnode', 'scail@nowhere.invalid'), {
      says: ["can't reach nowhere.invalid"],
      hint: /check the name|--headnode/,
    });
  });
});
