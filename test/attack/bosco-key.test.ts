import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scailfin } from '../cluster/helpers/cluster.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { attack } from './attack.js';

const reason = labUnavailable();
const own = '/home/scail/.scailfin/lab-slurm/pool/bosco/at_lab_slurm';
const by = 'a client with the token' as const;

/** What blahpd is told, as HTCondor writes it: spaces have a backslash. */
const told = (line: string): string => `${line.replaceAll(' ', '\\ ')}\r\n`;
const submit = (n: number, attributes: string): string =>
  `BLAH_JOB_SUBMIT ${n} ${told(`[ Cmd = "/bin/true"; Iwd = "/"; ${attributes} ]`)}`;

describe.skipIf(reason !== undefined)(
  `a stolen key of the growth at a site${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up();
      // so that the headnode needs a key of the cluster's own
      await lab.exec('headnode', ['mv', '.ssh/id_ed25519', '.ssh/id_away']);
      const args = ['--site', 'lab-slurm', '--submit', 'bosco', '--max', '2', '--headnode', 'headnode'];
      await scailfin(lab, 'laptop', ['up', ...args]);
      // what another user of the site has laid ready
      const script = '#!/bin/sh\ntouch /tmp/owned\n';
      for (const verb of ['ping', 'submit', 'status', 'cancel'])
        await lab.write('login', `/tmp/evil_${verb}.sh`, script, { user: 'bob', mode: 0o755 });
    });
    afterAll(async () => {
      await lab?.down();
    });

    /** ssh with the key, from the headnode. */
    const ssh = async (args: readonly string[], stdin = ''): Promise<string> => {
      const options = ['-i', `${own}/key`, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'];
      const argv = ['timeout', '20', 'ssh', ...options, ...args];
      const ran = await lab.exec('headnode', argv, { check: false, stdin, timeoutMs: 30_000 });
      return ran.stdout + ran.stderr;
    };
    const owned = async () =>
      (
        await lab.exec('login', ['sh', '-c', 'ls /tmp/owned* ~alice/owned* 2>/dev/null'], {
          user: 'root',
          check: false,
        })
      ).stdout;

    it('talks to blahpd', async () => {
      expect(await ssh(['alice@login'], 'COMMANDS\r\nQUIT\r\n')).toMatch(
        /^\$GahpVersion.*\nS .*BLAH_JOB_SUBMIT.*\nS /s,
      );
    });

    attack(
      { by, on: 'login', what: 'runs commands, forwards ports and takes files with the key that is for blahpd' },
      async count => {
        const commands = [
          'touch /tmp/owned',
          '$(touch /tmp/owned)',
          '`touch /tmp/owned`',
          '; touch /tmp/owned',
          'bash -c "touch /tmp/owned"',
        ];
        for (const command of commands) {
          count();
          expect(await ssh(['alice@login', command], 'QUIT\r\n')).toContain('$GahpVersion');
        }
        count();
        expect(await ssh(['-tt', 'alice@login'], 'QUIT\r\n')).toContain('PTY allocation request failed');
        count();
        const forward = ['-W', '127.0.0.1:22', 'alice@login'];
        expect(await ssh(forward)).toContain('administratively prohibited');
        count();
        expect(await ssh(['-s', 'alice@login', 'sftp'], 'QUIT\r\n')).toContain('$GahpVersion');
        count();
        const environment = ['-o', 'SetEnv=BASH_ENV=/tmp/evil_ping.sh ENV=/tmp/evil_ping.sh', 'alice@login'];
        await ssh(environment, 'QUIT\r\n');
        expect(await owned()).toBe('');
      },
      120_000,
    );

    attack(
      { by, on: 'login', what: 'has blahpd run scripts that lie elsewhere, and hands options to the batch system' },
      async count => {
        const up = `${'../'.repeat(7)}tmp/evil`;
        const lines = [
          `BLAH_PING 10 ${up}\r\n`,
          `BLAH_JOB_STATUS 11 ${up}/1/1\r\n`,
          `BLAH_JOB_CANCEL 12 ${up}/1/1\r\n`,
          submit(13, `gridtype = "${up}"`),
          submit(14, `gridtype = "at_lab_slurm"; Queue = "debug -x /tmp/evil_submit.sh"`),
          submit(15, `gridtype = "at_lab_slurm"; Out = "/home/alice/owned"`),
          submit(16, `gridtype = "at_lab_slurm"; BatchExtraSubmitArgs = "--wrap=id"`),
          `BLAH_JOB_STATUS 17 slurm/20260101/1;touch\\ /tmp/owned\r\n`,
          'BLAH_SET_SUDO_ID bob\r\n',
          'BLAH_SET_GLEXEC_DN 18 /x /tmp/x 0\r\n',
          'BLAH_JOB_SEND_PROXY_TO_WORKER_NODE 19 slurm/20260101/1 /home/alice/.bashrc\r\n',
          'BLAH_JOB_REFRESH_PROXY 20 slurm/20260101/1 /home/alice/.bashrc\r\n',
        ];
        count(lines.length);
        const refused = [0, 1, 2, 3, 7, 8, 9, 10, 11];
        const said = await ssh(['alice@login'], `${lines.join('')}VERSION\r\nQUIT\r\n`);
        // an answer may come between a version and the end of its line
        expect(said.match(/(^|\$)E\s*$/gm)?.length, said).toBe(refused.length);
        await new Promise(resolve => setTimeout(resolve, 4000));
        expect(await owned()).toBe('');
        // what was let through is the cluster's own job
        const { stdout } = await lab.exec('login', ['squeue', '-h', '-o', '%i'], { user: 'root' });
        for (const job of stdout.split('\n').filter(Boolean)) {
          const shown = (await lab.exec('login', ['scontrol', 'show', 'job', job], { user: 'root' })).stdout;
          expect(shown).toMatch(/JobName=sf-lab-slurm/);
          expect(shown).not.toMatch(/owned|evil/);
        }
      },
      60_000,
    );
  },
);
