import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stateRoot } from './record.js';

const needed = ['unshare', 'nsenter', 'flock', 'ip', 'nft', 'mmdebstrap', 'ssh-keygen'];

/** What all hosts are made of, tried out in a corner: an overlay in namespaces of its own, with a network. */
const trial =
  'mount -t overlay trial -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" "$1/root" && ' +
  'ip link add lab-one type veth peer name lab-two && nft list ruleset';

/** Why no lab can be made on this machine, in a sentence; undefined when one can. */
export function labUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'a lab needs Linux';
  if (process.getuid?.() !== 0) return 'a lab needs root';
  const missing = needed.filter(name => complaintOf('sh', ['-c', 'command -v "$1"', 'sh', name]));
  if (missing.length > 0) return `a lab needs ${missing.join(', ')}`;

  const corner = join(stateRoot, `.trial-${process.pid}`);
  for (const part of ['lower', 'upper', 'work', 'root']) mkdirSync(join(corner, part), { recursive: true });
  try {
    const namespaces = ['--mount', '--uts', '--ipc', '--pid', '--net', '--fork'];
    const complaint = complaintOf('unshare', [...namespaces, 'sh', '-c', trial, 'sh', corner]);
    return complaint && `a lab needs namespaces, overlayfs and nftables: ${complaint}`;
  } finally {
    rmSync(corner, { recursive: true, force: true });
  }
}

/** What a program that fails says; undefined when it succeeds. */
function complaintOf(file: string, args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync(file, args, { encoding: 'utf8', timeout: 20_000 });
  return status === 0 ? undefined : stderr?.trim() || error?.message || `${file} failed`;
}
