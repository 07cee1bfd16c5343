import { writeFile } from './files.js';
import type { Host } from './host.js';
import { program } from './programs.js';

const root = { user: 'root' };
/** What a login node has on its own disk, and another one behind the same name has, too. */
const shared = ['/etc/ssh/ssh_host_ed25519_key', '/etc/ssh/sshd_config.d/lab.conf', '/etc/munge/munge.key'];
const clients = ['/etc/slurm/slurm.conf', '/etc/slurm/cgroup.conf', '/etc/condor/config.d/50-lab.config'];
const secrets = ['/etc/condor/passwords.d/POOL', '/etc/condor/tokens.d/pool'];

/** Gives a second login node the host key of the first one, and the settings of the batch system (Slurm). */
export async function joinSite(first: Host, second: Host): Promise<void> {
  for (const path of [...shared, ...clients, ...secrets]) {
    const { stdout } = await first.exec(['sh', '-c', '[ ! -e "$1" ] || base64 "$1"', 'sh', path], root);
    if (stdout === '') continue;
    const mode = clients.includes(path) || path.endsWith('.conf') ? 0o644 : 0o600;
    await writeFile(second, path, Buffer.from(stdout, 'base64'), { ...root, mode });
  }
  await second.exec(['sh', '-c', '[ ! -e /etc/munge/munge.key ] || chown munge: /etc/munge/munge.key'], root);
}

/** Points the name `login` to an address in the /etc/hosts of these hosts. */
export async function lead(hosts: readonly Host[], address: string): Promise<void> {
  // the file is written in place: a rename would lose it for processes that have it open
  const script = 'text=$(sed "s/^[0-9.]* login$/$1 login/" /etc/hosts) && printf "%s\\n" "$text" >/etc/hosts';
  await Promise.all(hosts.map(host => host.exec(['sh', '-c', script, 'sh', address], root)));
}

/** Refuses SSH connections that leave from a host, at once and with an answer, or lets them out again. */
export async function refuseSsh(host: Host, isRefused: boolean): Promise<void> {
  const nft = ['nsenter', '--target', String(host.pid), '--net', 'nft', '-f', '-'] as const;
  const chain = 'chain output {\n type filter hook output priority 0;\n tcp dport 22 reject with tcp reset\n}';
  // the table is added before it is deleted, so that neither call needs to know what is there
  const input = `add table inet nossh\ndelete table inet nossh\n${isRefused ? `table inet nossh {\n${chain}\n}\n` : ''}`;
  await program([...nft], { input });
}
