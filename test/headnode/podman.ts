import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../src/hosts/host.js';
import { LocalHost } from '../../src/hosts/local.js';
import { cache } from '../lab/cache.js';
import { program } from '../lab/programs.js';

const packages =
  'podman conmon crun netavark golang-github-containers-common golang-github-containers-image libgpgme11 libassuan0 libyajl2 libsubid4 uidmap libslirp0 slirp4netns';

/** Debian 12's real podman, unpacked into the lab's cache, 14 MB. @returns its root, or why it can't be had */
export async function podmanRoot(): Promise<{ readonly root: string } | { readonly missing: string }> {
  if (process.getuid?.() !== 0) return { missing: 'only root can be another user, who has podman' };
  const root = join(cache, 'podman-bookworm');
  if (existsSync(root)) return { root };
  const fetch =
    `[ -d "$1" ] || { rm -rf "$1.new"; mkdir -p "$1.new/debs" && cd "$1.new/debs" && apt-get download -q ${packages} && ` +
    'for d in *.deb; do dpkg -x "$d" ..; done && cd / && rm -r "$1.new/debs" && mv "$1.new" "$1"; }';
  try {
    mkdirSync(cache, { recursive: true });
    await program(['flock', `${root}.lock`, 'sh', '-c', fetch, 'sh', root], { timeoutMs: 180_000 });
    return { root };
  } catch (error) {
    return { missing: `podman can't be had from Debian: ${(error as Error).message.trim().split('\n').at(-1)}` };
  }
}

/**
 * An ordinary user's machine with podman: a mount and a PID namespace for each command, in which /etc knows the user and the
 * packages' files, and which take podman's own keeper process along when the command ends.
 */
export class PodmanUser {
  readonly home: string;
  readonly #base = mkdtempSync(join(tmpdir(), 'scailfin-podman-'));
  readonly #uid = 4711;
  readonly #host = new LocalHost();

  constructor(
    readonly root: string,
    options: { readonly subordinates: boolean },
  ) {
    chmodSync(this.#base, 0o755);
    this.home = join(this.#base, 'home');
    for (const place of [this.home, join(this.#base, 'run')]) {
      mkdirSync(place, { mode: 0o700 });
      chownSync(place, this.#uid, this.#uid);
    }
    const etc = join(this.#base, 'etc');
    mkdirSync(etc);
    const ids = options.subordinates ? 'pod:400000:65536\n' : '';
    const user = `root:x:0:0::/root:/bin/sh\npod:x:${this.#uid}:${this.#uid}::${this.home}:/bin/bash\n`;
    const files = { subuid: ids, subgid: ids, passwd: user, group: `root:x:0:\npod:x:${this.#uid}:\n` };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(etc, name), content);
    writeFileSync(
      join(this.#base, 'containers.conf'),
      `[engine]\nhelper_binaries_dir = ["${root}/usr/lib/podman"]\nconmon_path = ["${root}/usr/bin/conmon"]\n[engine.runtimes]\ncrun = ["${root}/usr/bin/crun"]\n`,
    );
  }

  /** As the user; `podman` is on the PATH. */
  get host(): Host {
    const lib = readdirSync(join(this.root, 'usr/lib')).find(name => name.endsWith('-linux-gnu')) ?? '';
    // podman wants to be where its user may be
    const mounts =
      'mount -t overlay etc -o "lowerdir=$1/etc:$2/etc:$2/usr/share:/etc" /etc && rm -f "$1/run/libpod/tmp/pause.pid" && cd "$1/home" && shift 2 && exec "$@"';
    const inside = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', mounts, 'sh'];
    const become = ['setpriv', `--reuid=${this.#uid}`, `--regid=${this.#uid}`, '--clear-groups', 'env'];
    const env = {
      ...{
        HOME: this.home,
        XDG_RUNTIME_DIR: join(this.#base, 'run'),
        LD_LIBRARY_PATH: join(this.root, 'usr/lib', lib),
      },
      ...{ CONTAINERS_CONF: join(this.#base, 'containers.conf'), PATH: `${this.root}/usr/bin:/usr/bin:/bin` },
    };
    const vars = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const run: Host['run'] = (argv, options) =>
      this.#host.run([...inside, this.#base, this.root, ...become, ...vars, ...argv], options);
    return { ...this.#host, name: 'this machine', address: 'local', run } as Host;
  }

  close(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }
}
