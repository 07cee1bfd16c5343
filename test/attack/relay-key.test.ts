import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scailfin, statusOf } from '../cluster/helpers/cluster.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { attack } from './attack.js';

const reason = labUnavailable();
const own = '/home/scail/.scailfin/lab-slurm/pool/relay/sites/lab-slurm/key';
const by = 'a client with the token' as const;
const environment = ['-o', 'SetEnv=BASH_ENV=/tmp/evil.sh ENV=/tmp/evil.sh'];

describe.skipIf(reason !== undefined)(
  `a stolen key of the relay's login${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up({ isolated: true });
      // so that the headnode needs a key of the cluster's own
      await lab.exec('headnode', ['mv', '.ssh/id_ed25519', '.ssh/id_away']);
      await scailfin(lab, 'laptop', ['up', '--site', 'lab-slurm', '--headnode', 'headnode']);
      await lab.write('login', '/tmp/evil.sh', '#!/bin/sh\ntouch /tmp/owned\n', { user: 'bob', mode: 0o755 });
    });
    afterAll(async () => {
      await lab?.down();
    });

    /** ssh with the key, from the headnode. */
    const ssh = async (args: readonly string[], stdin = ''): Promise<{ said: string; status: number | null }> => {
      const options = ['-i', own, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'];
      const argv = ['timeout', '20', 'ssh', ...options, ...args];
      const ran = await lab.exec('headnode', argv, { check: false, stdin, timeoutMs: 30_000 });
      return { said: ran.stdout + ran.stderr, status: ran.exitCode };
    };
    const nothing = "this key is for scailfin's relay, and for nothing else";
    const owned = async () =>
      (
        await lab.exec('login', ['sh', '-c', 'ls /tmp/owned* ~alice/owned* 2>/dev/null'], {
          user: 'root',
          check: false,
        })
      ).stdout;

    attack(
      {
        by,
        on: 'login',
        what: "runs commands, forwards ports and takes files with the key that is for the relay's login",
      },
      async count => {
        const commands = [
          'touch /tmp/owned',
          '$(touch /tmp/owned)',
          '`touch /tmp/owned`',
          '; touch /tmp/owned',
          'bash -c "touch /tmp/owned"',
          'exec scailfin-relay ecdsa-sha2-nistp256 $(touch /tmp/owned)"',
          "exec /bin/sh -c 'touch /tmp/owned'",
        ];
        for (const command of commands) {
          count();
          expect(await ssh(['alice@login', command])).toEqual({ said: `${nothing}\n`, status: 1 });
        }
        count();
        expect((await ssh(['alice@login'], 'touch /tmp/owned\n')).said).toContain(nothing);
        count();
        expect((await ssh(['-tt', 'alice@login'])).said).toContain('PTY allocation request failed');
        count();
        expect((await ssh(['-W', '127.0.0.1:22', 'alice@login'])).said).toContain('administratively prohibited');
        count();
        const back = ['-o', 'ExitOnForwardFailure=yes', '-R', '31999:127.0.0.1:22', '-N', 'alice@login'];
        expect((await ssh(back)).said).toContain('remote port forwarding failed');
        count();
        expect(await ssh(['-s', 'alice@login', 'sftp'])).toEqual({ said: '', status: 1 });
        count();
        expect((await ssh([...environment, 'alice@login'])).said).toContain(nothing);
        expect(await owned()).toBe('');
      },
      120_000,
    );

    attack(
      { by, on: 'login', what: 'has the login script write, listen or run elsewhere by what it is told' },
      async count => {
        const marks = `printf %s%s ${'a'.repeat(16)} ${'b'.repeat(16)} >&2;printf %s%s:%s: ${'b'.repeat(16)} ${'a'.repeat(16)} $$;`;
        const key = `ecdsa-sha2-nistp256 ${'A'.repeat(140)}`;
        const told = (text: string): string => `exec /bin/sh -c '${marks}eval "$(printf %b "${text}")"'`;
        // a key of the wrong form, more words, another directory or address
        const wrong = [
          'exec scailfin-relay ecdsa-sha2-nistp256 AAAA\\0012touch /tmp/owned',
          `exec scailfin-relay ${key} 0.0.0.0`,
          `exec scailfin-relay ${key} /tmp`,
          `exec scailfin-relay ssh-rsa ${'A'.repeat(140)}`,
          `exec scailfin-relay ${key}$(touch /tmp/owned)`,
          'exec env SCAILFIN_RELAY=/tmp bash --norc -c "touch /tmp/owned" relay /tmp',
        ].map(told);
        for (const command of wrong) {
          count();
          expect((await ssh(['alice@login', command])).said).toBe(`${nothing}\n`);
        }
        count();
        const behind = [
          `exec scailfin-relay ${key}"; touch /tmp/owned; "`,
          `x"; touch /tmp/owned; exec scailfin-relay ${key}`,
        ];
        for (const text of behind) await ssh(['alice@login', told(text)], 'no SSH server\r\n');
        expect(await owned()).toBe('');
        // whoever plays the headnode there has the port of nobody else, and the pool comes back by itself
        const { stdout } = await lab.exec(
          'login',
          ['find', '/home/alice/.scailfin', '/tmp', '-newer', '/tmp/evil.sh', '-type', 'f', '-user', 'alice'],
          { user: 'root' },
        );
        const written = stdout.split('\n').filter(file => file !== '' && !file.includes('/lab-slurm/site/'));
        expect(written).toEqual([]);
        const relay = async () => (await statusOf(lab, 'laptop', 'lab-slurm')).sites[0]?.relay;
        await expect.poll(relay, { timeout: 60_000, interval: 2000 }).toMatchObject({ state: 'open', nodes: 1 });
      },
      150_000,
    );

    it('ends with the cluster', async () => {
      expect((await ssh(['alice@login'])).said).toContain(nothing);
      await lab.exec('headnode', ['cp', own, '.ssh/stolen']);
      await scailfin(lab, 'laptop', ['down', 'lab-slurm']);
      const argv = ['ssh', '-i', '.ssh/stolen', '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', 'alice@login'];
      expect((await lab.exec('headnode', argv, { check: false })).stderr).toContain('Permission denied');
    });
  },
);
