import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { prepareRootfs } from '../../lab/rootfs.js';

export interface Said {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** In a mount namespace of its own: the lab's root file system, read-only, with a folder of ours as its /tmp. */
const enter =
  'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount --bind "$2" "$1/tmp" && mount --rbind /dev "$1/dev" && ' +
  'exec chroot "$1" sh -c "$3"';

/**
 * Runs a shell's text as root where the lab's programs are, real HTCondor among them; no daemon runs there, and nothing
 * is changed.
 * @param files by their absolute paths, all below /tmp
 */
export async function inRoot(text: string, files: Readonly<Record<string, string>>): Promise<Said> {
  const root = await prepareRootfs();
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-inroot-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      const file = join(dir, path.replace(/^\/tmp\//, ''));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content, { mode: 0o755 });
    }
    const argv = ['--mount', 'sh', '-c', enter, 'enter', root, dir, text];
    const { exitCode, stdout, stderr } = await execa('unshare', argv, { reject: false, timeout: 60_000 });
    return { exitCode, stdout, stderr };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
