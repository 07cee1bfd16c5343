import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GridHost } from '../credentials/grid.js';
import { writeFile } from '../lab/files.js';
import { giveCertificate, gsiLog, gsiPort, openGsiDoor, type Place } from '../lab/gsi.js';
import { labUnavailable } from '../lab/unavailable.js';
import type { Door } from './gsi/main.js';
import { Grid } from './gsi-sshd.js';

const reason = labUnavailable();

/** gss/mech(5): how any OpenSSH of Debian's learns of Globus' mechanism. */
const mechanisms = 'globus-gsi-micv2 1.3.6.1.4.1.3536.1.1.1 /usr/lib/x86_64-linux-gnu/libglobus_gssapi_gsi.so.4\n';

/** One for whatever both sides like best, and one for each suite that our client takes. */
const suites = [
  ['TLSv1.3', 'TLS_AES_256_GCM_SHA384'],
  ['TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
  ['TLSv1.2', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLSv1.2', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLSv1.2', 'AES256-GCM-SHA384'],
  ['TLSv1.2', 'AES128-GCM-SHA256'],
] as const;
const doors: readonly Door[] = [
  { port: gsiPort },
  ...suites.map(([version, ciphers], i) => ({ port: gsiPort + 1 + i, tls: { version, ciphers } })),
];

/**
 * The proof that the double of gsisshd, against which our own client is tested, speaks GSI-SSH: the stock OpenSSH client
 * with Globus' own library logs in to it.
 */
describe.skipIf(reason !== undefined)(
  `stock OpenSSH with Globus' library${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let grid: Grid;
    let there: GridHost;
    let place: Place;
    beforeAll(async () => {
      grid = new Grid('alice,bob');
      there = await GridHost.up();
      const { host } = there;
      place = {
        write: (path, content, options) => writeFile(host, path, content, options),
        exec: (argv, options) => host.exec(argv, options),
      };
      await place.write('/etc/hosts', '127.0.0.1 localhost grid alias\n', { user: 'root' });
      await openGsiDoor(place, grid, { name: 'grid', address: '127.0.0.1', doors });
      await giveCertificate(place, grid);
      await place.write('mech', mechanisms);
      await place.exec([
        'sh',
        '-c',
        `mkdir -p .ssh; echo "grid $(cat /etc/ssh/ssh_host_ed25519_key.pub)" >.ssh/known_hosts`,
      ]);
      await place.exec(['grid-proxy-init', '-q']);
    });
    afterAll(async () => {
      await there?.down();
      grid?.remove();
    });

    const ssh = (...args: string[]) =>
      place.exec(
        [
          ...['ssh', '-F', 'none', '-o', 'BatchMode=yes', '-o', 'HostKeyAlias=grid'],
          ...['-o', 'PreferredAuthentications=gssapi-with-mic', '-o', 'GSSAPIAuthentication=yes'],
          ...(args.includes('-p') ? args : ['-p', `${gsiPort}`, ...args]),
        ],
        { env: { GSS_MECH_CONFIG: '/home/scail/mech' }, check: false },
      );

    it('logs in', async () => {
      const { stdout, stderr } = await ssh('alice@grid', 'id -un; echo "[$X509_USER_PROXY]"');
      expect(stdout, stderr).toBe('alice\n[]\n');
      expect(await gsiLog(place)).toMatch(/CN=Scail User is alice, over TLSv1\.3 TLS_AES_256_GCM_SHA384$/m);
    });

    it.each(doors.slice(1))('logs in over $tls.version $tls.ciphers', async ({ port, tls }) => {
      const { stdout, stderr } = await ssh(
        '-p',
        `${port}`,
        '-o',
        'GSSAPIDelegateCredentials=yes',
        'alice@grid',
        'id -un',
      );
      expect(stdout, stderr).toBe('alice\n');
      expect(await gsiLog(place)).toMatch(new RegExp(`over ${tls?.version} ${tls?.ciphers}, delegating$`, 'm'));
    });

    it('delegates a proxy that Globus finds good', async () => {
      const command = 'id -un; stat -c "%a %U" "$X509_USER_PROXY"; grid-proxy-info -identity -type';
      const { stdout, stderr } = await ssh('-o', 'GSSAPIDelegateCredentials=yes', 'bob@grid', command);
      expect(stdout, stderr).toBe(`bob\n600 bob\n${grid.identity}\nRFC 3820 compliant impersonation proxy\n`);
      expect(await gsiLog(place)).toMatch(/is bob, over .*, delegating$/m);
    });

    it('moves files and forwards connections', async () => {
      const batch = 'put /etc/hostname /home/alice/sent\nget /home/alice/sent /home/scail/back\n';
      const sftp = [
        'sftp',
        '-F',
        'none',
        '-P',
        String(gsiPort),
        '-o',
        'HostKeyAlias=grid',
        '-o',
        'GSSAPIAuthentication=yes',
      ];
      const env = { GSS_MECH_CONFIG: '/home/scail/mech' };
      await place.exec([...sftp, '-b', '-', 'alice@grid'], { stdin: batch, env });
      expect((await place.exec(['cat', 'back'])).stdout).toBe('grid\n');
      const { stdout } = await ssh('-W', `127.0.0.1:${gsiPort}`, 'alice@grid');
      expect(stdout).toMatch(/^SSH-2\.0-/);
    });

    it('has a terminal', async () => {
      const { stdout } = await ssh('-tt', 'alice@grid', 'test -t 0 && test -t 1 && echo terminal; exit 3');
      expect(stdout).toContain('terminal');
    });

    it('is refused where the double refuses: another account, a limited proxy, an unknown name', async () => {
      expect((await ssh('scail@grid', 'true')).stderr).toContain('Permission denied');
      await place.exec(['grid-proxy-init', '-q', '-limited']);
      expect((await ssh('alice@grid', 'true')).stderr).toContain('Permission denied');
      await place.exec(['grid-proxy-init', '-q']);
      // the certificate is of "grid" alone
      expect((await ssh('alice@alias', 'true')).stderr).toContain('Permission denied');
      expect((await ssh('alice@grid', 'true')).exitCode).toBe(0);
    });
  },
);
