import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry } from '../../../src/cluster/record.js';
import { planCluster, planSite } from '../../../src/cluster/spec.js';
import { packageRoot } from '../../../src/paths.js';
import { token } from '../../reana/edge/edges.js';
import { onTerminal } from '../../terminal.js';
import { readProfile } from '../../unit/profiles.js';

/** As it was built: `npm run build`. */
const main = join(packageRoot, 'bin/scailfin.js');

export interface Said {
  readonly status: number | null;
  /** On a terminal, all of it. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A user's machine in a directory: a folder that others filled, what is outside of it, and scailfin with its state. */
export class UserHere {
  readonly home = mkdtempSync(join(tmpdir(), 'scailfin-attack-'));
  /** Where scailfin is called: the hostile folder. */
  readonly folder = join(this.home, 'folder');
  /** What nobody may touch or read: `~/.ssh` and the like. */
  readonly outside = join(this.home, 'outside');

  constructor() {
    for (const dir of [this.folder, this.outside]) mkdirSync(dir);
    writeFileSync(join(this.outside, 'secret'), 'the secret');
  }

  /** Remembers a cluster on this machine whose REANA has that port. */
  knows(port: number, more: readonly Entry[] = []): void {
    const profile = readProfile('local');
    const at = new Date().toISOString();
    const spec = planCluster({ name: 'here' }, profile, { sites: {} });
    const entries = [
      { at, type: 'created', id: 'c1', spec },
      { at, type: 'site', site: planSite({}, profile, { sites: {} }) },
      { at, type: 'reana', reana: { flavour: 'edge', scheme: 'http', port } },
      { at, type: 'state', state: 'running', reason: 'All is well.' },
      ...more,
    ];
    const dir = join(this.home, 'state', 'scailfin', 'clusters', 'here');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'journal.jsonl'), entries.map(entry => `\n${JSON.stringify(entry)}`).join(''));
    writeFileSync(join(dir, 'reana.token'), `${token}\n`);
  }

  /** Calls the real command line in the folder. @param on a terminal, or pipes */
  scailfin(args: readonly string[], on: 'terminal' | 'pipe' | { readonly file: number } = 'pipe'): Promise<Said> {
    const argv = [process.execPath, main, ...args];
    const [program, ...rest] = (on === 'terminal' ? onTerminal(argv) : argv) as [string, ...string[]];
    const env = {
      ...{ PATH: process.env.PATH, HOME: this.home, TERM: 'xterm-256color', USER: process.env.USER ?? 'root' },
      ...{ XDG_STATE_HOME: join(this.home, 'state'), XDG_CONFIG_HOME: join(this.home, 'config') },
    };
    const out = typeof on === 'object' ? on.file : 'pipe';
    const child = spawn(program, rest, { cwd: this.folder, env, stdio: ['ignore', out, 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        said[name] += text;
      });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', status => resolve({ status, ...said }));
    });
  }

  close(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
