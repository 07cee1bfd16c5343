import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFile } from './files.js';
import type { Host } from './host.js';
import type { HostName } from './layout.js';
import { specOf } from './layout.js';
import { program } from './programs.js';
import { labDir } from './record.js';

type Hosts = { readonly [name in HostName]: Host };
interface KeyPair {
  readonly secret: string;
  readonly open: string;
}

/** The hosts one can log in to, and who is let in there. */
const doors = ['headnode', 'login'] as const;
const people = ['laptop', 'headnode'] as const;

const sshdConfig = `HostKey /etc/ssh/ssh_host_ed25519_key
# tests fail to log in on purpose, again and again
PerSourcePenalties no
MaxStartups 100
`;

/** Makes keys that only this lab has, so that scail may log in to the doors and knows their host keys. */
export async function grantAccess(lab: string, hosts: Hosts): Promise<void> {
  const dir = await mkdtemp(join(labDir(lab), '.keys-'));
  const names = [...doors.map(name => `door-${name}`), ...people.map(name => `scail@${name}`)];
  const keys = new Map(await Promise.all(names.map(async name => [name, await keyPair(dir, name)] as const)));
  await rm(dir, { recursive: true });
  const key = (name: string) => keys.get(name) as KeyPair;

  const known = doors.map(name => `${name},${specOf(name).addresses.wan} ${key(`door-${name}`).open}`).join('');
  const letIn = people.map(name => key(`scail@${name}`).open).join('');
  await Promise.all([
    ...doors.map(async name => {
      await writeFile(hosts[name], '/etc/ssh/ssh_host_ed25519_key', key(`door-${name}`).secret, {
        user: 'root',
        mode: 0o600,
      });
      await writeFile(hosts[name], '/etc/ssh/sshd_config.d/lab.conf', sshdConfig, { user: 'root' });
      await writeFile(hosts[name], '/etc/pam.d/sshd', withoutMotd(hosts[name]), { user: 'root' });
      await writeFile(hosts[name], '.ssh/authorized_keys', letIn, { mode: 0o600 });
    }),
    ...people.map(async name => {
      await writeFile(hosts[name], '.ssh/id_ed25519', key(`scail@${name}`).secret, { mode: 0o600 });
      await writeFile(hosts[name], '.ssh/id_ed25519.pub', key(`scail@${name}`).open);
      await writeFile(hosts[name], '.ssh/known_hosts', known);
    }),
  ]);
}

/** The greeting is for people, and five programs make it at each login. */
const withoutMotd = (host: Host): string =>
  readFileSync(join(host.root, 'etc/pam.d/sshd'), 'utf8').replaceAll(/^.*pam_motd\.so.*\n/gm, '');

async function keyPair(dir: string, name: string): Promise<KeyPair> {
  const file = join(dir, name);
  await program(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
  return { secret: await readFile(file, 'utf8'), open: await readFile(`${file}.pub`, 'utf8') };
}
