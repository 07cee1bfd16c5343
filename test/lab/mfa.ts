import { password, totpKey } from '../secrets.js';
import type { Host } from './host.js';

const root = { user: 'root' };

/** PAM services by name: what `keyboard-interactive` and `password` go through in sshd(8). */
const services = {
  // both are asked for before either is judged, as sites do it
  'sshd-mfa':
    'auth required pam_unix.so nodelay\nauth required pam_oath.so usersfile=/etc/users.oath window=40 digits=6\n',
  'sshd-token': 'auth required pam_oath.so usersfile=/etc/users.oath window=40 digits=6\n',
  'sshd-password': 'auth required pam_unix.so nodelay\n',
};
export type PamService = keyof typeof services;
const rest = 'account required pam_unix.so\nsession required pam_permit.so\npassword required pam_unix.so\n';

/** One-time codes for a user of a host with a real PAM stack. */
export interface Codes {
  /** A code that was not used before, from oathtool. */
  next(): Promise<string>;
}

/**
 * Gives users of a host the tests' password and a token (RFC 6238), and the host PAM services that ask for them.
 * @param exec runs a command on that host
 */
export async function equip(exec: Host['exec'], users: readonly string[]): Promise<Codes> {
  for (const [name, auth] of Object.entries(services)) {
    await exec(['tee', `/etc/pam.d/${name}`], { ...root, stdin: auth + rest });
  }
  await exec(['chpasswd'], { ...root, stdin: users.map(user => `${user}:${password}\n`).join('') });
  const tokens = users.map(user => `HOTP/T30/6 ${user} - ${totpKey}\n`).join('');
  await exec(['sh', '-c', 'umask 077; cat > /etc/users.oath'], { ...root, stdin: tokens });
  let step = Math.floor(Date.now() / 30_000);
  const next = async (): Promise<string> => {
    const now = new Date(step++ * 30_000).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
    return (await exec(['oathtool', '--totp', '--now', now, totpKey])).stdout.trim();
  };
  return { next };
}
