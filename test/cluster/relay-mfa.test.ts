// @module-tag nightly; each time: cluster/mfa, and cluster/relay for the relay
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { type Codes, equip } from '../lab/mfa.js';
import { password, secrets } from '../secrets.js';
import { onTerminal, Terminal } from '../terminal.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { relayOf } from './helpers/outage.js';

const reason = labUnavailable();
const root = { user: 'root' };
const site = 'lab-slurm';
const name = 'codes';

/** After the key, the site wants the password and a code of the token, from each connection. */
const policy = `PAMServiceName sshd-mfa
KbdInteractiveAuthentication yes
AuthenticationMethods publickey,keyboard-interactive
`;

describe.skipIf(reason !== undefined)(
  `a relay to a site with a second factor${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let lab: Lab;
    let codes: Codes;
    beforeAll(async () => {
      lab = await Lab.up({ isolated: true });
      codes = await equip((argv, options) => lab.exec('login', argv, options), ['alice']);
      await lab.write('login', '/etc/ssh/sshd_config.d/00-mfa.conf', policy, root);
      const restart = 'kill "$(cat /run/sshd.pid)"; sleep 0.5; exec /usr/sbin/sshd -E /var/log/sshd.log';
      await lab.exec('login', ['sh', '-c', restart], root);
    });
    afterAll(() => lab?.down());

    /** Answers as a person does, as often as it is asked. @returns all that was on the screen */
    const answered = async (args: readonly string[], times = 1): Promise<string> => {
      const terminal = new Terminal(
        lab.spawn('headnode', onTerminal(['scailfin', ...args]), { env: { TERM: 'xterm' } }),
      );
      for (let n = 0; n < times; n++) {
        await terminal.until(/\(alice@login\) Password:/, 60_000);
        terminal.type(`${password}\r`);
        await terminal.until(/One-time password \(OATH\) for `alice':/);
        terminal.type(`${await codes.next()}\r`);
      }
      const status = await terminal.end(150_000);
      const { shown } = terminal;
      for (const secret of secrets) expect(shown).not.toContain(secret);
      expect({ status, shown }).toMatchObject({ status: 0 });
      return shown;
    };
    /** Connections that reached the site, and logins that it accepted. */
    const asked = async () => {
      const text = await lab.read('login', '/var/log/sshd.log', root);
      const count = (what: RegExp): number => text.match(what)?.length ?? 0;
      return {
        connections: count(/Partial publickey for alice|Accepted .*publickey for alice/g),
        accepted: count(/Accepted keyboard-interactive\/pam for alice/g),
        failed: count(/Failed \S+ for alice/g),
      };
    };

    test('up asks once, keeps the login, and says what that means; the relay uses it', async () => {
      const shown = await answered(['up', name, '--site', site, '--walltime', '30m']);
      expect(shown).toContain('the login is kept for the relay: alice@login');
      expect(shown).toContain(`if it ends, the pool is cut off until \`scailfin login ${site}\``);
      expect(shown).toMatch(/relay open for \d+ s at 10\.77\.1\.1:\d+ on login; 1 node connected/);
      expect(await asked()).toMatchObject({ accepted: 1, failed: 0 });
    });

    test('the kept login ends: status says it, and the site is not asked in between', async () => {
      const before = await asked();
      await scailfin(lab, 'headnode', ['logout', site]);
      await expect.poll(async () => (await relayOf(lab, name))?.reason, { timeout: 60_000 }).toContain('asks a person');
      const relay = await relayOf(lab, name);
      expect(relay).toMatchObject({ state: 'cut', hint: `scailfin login ${site}` });
      // the pool on this machine starts the relay again: it still knows
      await lab.exec('headnode', ['pkill', '-KILL', '-f', '[r]elay/program/dist/relay[.]mjs'], root);
      await sleep(15_000);
      expect(await asked()).toEqual(before);
      expect((await relayOf(lab, name))?.since).toBe(relay?.since);
    });

    test('login again: the relay is open within seconds', async () => {
      await answered(['login', site]);
      await expect.poll(async () => (await relayOf(lab, name))?.state, { timeout: 60_000 }).toBe('open');
      expect(await asked()).toMatchObject({ accepted: 2, failed: 0 });
      await expect.poll(async () => (await relayOf(lab, name))?.nodes, { timeout: 60_000 }).toBe(1);
    });

    test('and nothing is left', async () => {
      expect((await scailfin(lab, 'headnode', ['down', name])).stdout).toContain(verified);
      await scailfin(lab, 'headnode', ['logout', site]);
      await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
    });
  },
);
