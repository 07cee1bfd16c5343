import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { writeFile } from '../lab/files.js';
import { Host } from '../lab/host.js';
import { bindsOf, specOf } from '../lab/layout.js';
import { program } from '../lab/programs.js';
import * as record from '../lab/record.js';
import { prepareRootfs } from '../lab/rootfs.js';

/** One host of the lab's, called `grid`, with Globus, MyProxy and VOMS on it and no network but itself. */
export interface GridHost {
  readonly host: Host;
  /** Copies a file or directory of this machine to a place on the host. */
  copy(from: string, to: string, owner: string): Promise<void>;
  down(): Promise<void>;
}

/** Boots it in some 0.2 s, once the lab's root file system is there. */
export async function gridHost(): Promise<GridHost> {
  const name = `grid-${randomBytes(4).toString('hex')}`;
  const rootfs = await prepareRootfs();
  await record.create({ name, site: 'none', rootfs, owner: record.me() });
  const down = (): Promise<void> => record.destroy(name);
  try {
    await mkdir(record.labDir(name), { recursive: true });
    const host = await Host.boot(
      { name, rootfs },
      { name: 'grid', user: 'scail', binds: bindsOf(specOf('laptop'), '') },
    );
    await program(['nsenter', '--target', String(host.pid), '--net', 'ip', 'link', 'set', 'lo', 'up']);
    await writeFile(host, '/etc/hosts', '127.0.0.1 localhost grid alias\n', { user: 'root' });
    await writeFile(host, '/usr/local/bin/scailfin', scailfin, { user: 'root', mode: 0o755 });
    const copy = async (from: string, to: string, owner: string): Promise<void> => {
      const script = `mkdir -p "$(dirname "$1")" && cat > /run/copied.tar && rm -rf "$1" && mkdir /run/copied &&
        tar -xf /run/copied.tar -C /run/copied && mv /run/copied/* "$1" && rm -r /run/copied /run/copied.tar && chown -R "$2" "$1"`;
      const { execa } = await import('execa');
      const [dir, base] = [from.replace(/\/[^/]*$/, ''), from.replace(/^.*\//, '')];
      const { stdout } = await execa('tar', ['-c', '-C', dir, base], { encoding: 'buffer' });
      await host.exec(['sh', '-c', script, 'sh', to, owner], { user: 'root', stdin: Buffer.from(stdout) });
    };
    return { host, copy, down };
  } catch (error) {
    await down();
    throw error;
  }
}

const scailfin = '#!/bin/sh\nexec /usr/local/bin/node /opt/scailfin/bin/scailfin.js "$@"\n';
