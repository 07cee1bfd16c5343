import { existsSync } from 'node:fs';
import { execa } from 'execa';
import type { Place } from '../gsi.js';
import { until } from '../programs.js';

const variable = 'SCAILFIN_TEST_GSISSHD';
const prefix = '/opt/gsissh';
const root = { user: 'root' };
const log = '/var/log/gsisshd.log';

/**
 * The tree of an installed GSI-OpenSSH, which a lab's host can run: the variable names TREE/opt/gsissh/sbin/gsisshd, and TREE is
 * what `make install-nokeys DESTDIR=TREE` makes, built for the lab's system with the prefix /opt/gsissh and GSI.
 * @returns no tree if nobody has named a gsisshd, or one that is elsewhere: it is good for the tests in test/hosts only
 */
export function gsisshTree(): string | undefined {
  const program = process.env[variable];
  const end = `${prefix}/sbin/gsisshd`;
  if (!program?.endsWith(end)) return undefined;
  if (!existsSync(program)) throw new Error(`${variable}: there is no ${program}`);
  return program.slice(0, -end.length);
}

/** sshd_config(5): a login by proxy, and no other way in. */
const config = (port: number): string => `Port ${port}
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/gsisshd.pid
SshdSessionPath ${prefix}/libexec/gsisshd-session
SshdAuthPath ${prefix}/libexec/gsisshd-auth
GSSAPIAuthentication yes
GSSAPICleanupCredentials yes
PubkeyAuthentication no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
PerSourcePenalties no
MaxStartups 100
Subsystem sftp internal-sftp
`;

/** Starts the real gsisshd on a host, beside its sshd. The host's certificate and CAs are there already, in `security`. */
export async function openRealDoor(place: Place, tree: string, security: string, port: number): Promise<void> {
  const { stdout } = await execa('tar', ['-C', `${tree}${prefix}`, '-c', 'sbin', 'libexec', 'bin'], {
    encoding: 'buffer',
    maxBuffer: 256 * 1024 * 1024,
  });
  const unpack = ['sh', '-c', `mkdir -p ${prefix} && tar -C ${prefix} -x`];
  await place.exec(unpack, { ...root, stdin: Buffer.from(stdout), timeoutMs: 60_000 });
  await place.write('/etc/ssh/gsisshd_config', config(port), root);
  const env = {
    GRIDMAP: `${security}/grid-mapfile`,
    X509_CERT_DIR: `${security}/certificates`,
    X509_USER_CERT: `${security}/hostcert.pem`,
    X509_USER_KEY: `${security}/hostkey.pem`,
  };
  const argv = [`${prefix}/sbin/gsisshd`, '-f', '/etc/ssh/gsisshd_config', '-E', log];
  await place.exec(argv, { ...root, env });
  await until('gsisshd to listen', 15_000, async () => (await realLog(place)).includes('listening'));
}

/** What it has said so far. */
export const realLog = async (place: Place): Promise<string> =>
  (await place.exec(['cat', log], { ...root, check: false })).stdout;
