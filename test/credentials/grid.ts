import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { writeFile } from '../lab/files.js';
import { type ExecOptions, type ExecResult, Host } from '../lab/host.js';
import { bindsOf, specOf } from '../lab/layout.js';
import { program } from '../lab/programs.js';
import * as record from '../lab/record.js';
import { prepareRootfs } from '../lab/rootfs.js';
import { type Issued, type TestCa, temporaryCa } from './ca.js';

/** One host of the lab's kind, called `grid`, with Globus, MyProxy and VOMS on it and no network but its own. */
export class GridHost {
  private constructor(
    private readonly name: string,
    readonly host: Host,
  ) {}

  /** Boots one in less than a second, once the lab's root file system is there. */
  static async up(): Promise<GridHost> {
    const name = `grid-${randomBytes(4).toString('hex')}`;
    const rootfs = await prepareRootfs();
    await record.create({ name, site: 'none', rootfs, owner: record.me() });
    try {
      const spec = { name: 'grid', user: 'scail', binds: bindsOf(specOf('laptop'), '') };
      const grid = new GridHost(name, await Host.boot({ name, rootfs }, spec));
      await program(['nsenter', '--target', String(grid.host.pid), '--net', 'ip', 'link', 'set', 'lo', 'up']);
      await grid.write('/etc/hosts', '127.0.0.1 localhost grid alias\n', 'root');
      await grid.write('/usr/local/bin/scailfin', scailfin, 'root', 0o755);
      return grid;
    } catch (error) {
      await record.destroy(name);
      throw error;
    }
  }

  /** Runs a command; one that fails rejects, unless `check` is false. */
  async exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult> {
    return this.host.exec(argv, { timeoutMs: 60_000, ...options });
  }

  async write(path: string, content: string | Buffer, user = 'scail', mode = 0o644): Promise<void> {
    await writeFile(this.host, path, content, { user, mode });
  }

  /** Copies a file or directory of this machine, with its modes. */
  async copy(from: string, to: string, owner = 'scail'): Promise<void> {
    const packed = execFileSync('tar', ['-c', '-C', dirname(from), basename(from)], { maxBuffer: 1 << 28 });
    const unpack = `set -e; new=$(mktemp -d); tar -x -C "$new" --no-same-owner; chown -R "$2" "$new"
      parent=$(dirname "$1"); [ -d "$parent" ] || install -d -o "$2" "$parent"
      rm -rf "$1"; mv "$new"/* "$1"; rmdir "$new"`;
    await this.exec(['bash', '-c', unpack, 'copy', to, owner], { user: 'root', stdin: packed });
  }

  async down(): Promise<void> {
    await record.destroy(this.name);
  }
}

const scailfin = '#!/bin/sh\nexec /usr/local/bin/node /opt/scailfin/bin/scailfin.js "$@"\n';

/** A grid host whose CA is known there, with a certificate for its user and one for itself, each where Globus has it. */
export interface Grid {
  readonly grid: GridHost;
  readonly ca: TestCa;
  /** On this machine: where more certificates may be made. */
  readonly dir: string;
  readonly user: Issued;
  readonly server: Issued;
  down(): Promise<void>;
}

export const userName = '/O=Grid/OU=Test/CN=Scail User';

export async function gridWithCa(): Promise<Grid> {
  const { dir, ca, trust, dispose } = temporaryCa();
  let grid: GridHost | undefined;
  const down = async (): Promise<void> => {
    await grid?.down();
    dispose();
  };
  try {
    const user = ca.issue({ subject: userName });
    const server = ca.issueHost('grid');
    grid = await GridHost.up();
    await grid.copy(trust, '/etc/grid-security/certificates', 'root');
    await installUser(grid, user);
    await grid.copy(server.cert, '/etc/grid-security/hostcert.pem', 'root');
    await grid.copy(server.key, '/etc/grid-security/hostkey.pem', 'root');
    return { grid, ca, dir, user, server, down };
  } catch (error) {
    await down();
    throw error;
  }
}

export async function installUser(grid: GridHost, user: Issued): Promise<void> {
  await grid.copy(user.cert, '/home/scail/.globus/usercert.pem');
  await grid.copy(user.key, '/home/scail/.globus/userkey.pem');
}

/** Runs scailfin there. @param lines what it reads as passphrases */
export async function scailfinOn(
  grid: GridHost,
  argv: readonly string[],
  lines?: readonly string[],
  options: ExecOptions = {},
) {
  const stdin = lines === undefined ? {} : { stdin: `${lines.join('\n')}\n` };
  const passing = lines === undefined ? [] : ['--pass-stdin'];
  return grid.exec(['scailfin', 'proxy', ...argv, ...passing], { ...stdin, ...options });
}
