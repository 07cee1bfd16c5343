import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { render, templateText } from '../../../src/templates.js';
import { glideinValues } from './glideinvalues.js';

/** How a glide-in is started, apart from its settings. */
export interface Start {
  /** Its whole environment, beside PATH. */
  readonly env?: NodeJS.ProcessEnv;
  /** A program that starts it, with its arguments: `unshare -m sh -c …`. It gets the command line as its own arguments. */
  readonly by?: readonly string[];
}

/**
 * Glide-ins on this machine, whose HTCondor is a master that sleeps: what is of interest is how they begin and end. A port
 * that only opens stands in for the headnode.
 */
export class Sleeper {
  private constructor(
    /** The cluster's directory. */
    readonly dir: string,
    /** The directory for jobs that the profile names. */
    readonly local: string,
    private readonly headnode: net.Server,
  ) {}

  static async begin(settings: Readonly<Record<string, unknown>> = {}): Promise<Sleeper> {
    const dir = mkdtempSync(join(tmpdir(), 'glidein-'));
    const [local, payload] = [join(dir, 'local'), join(dir, 'payload')];
    for (const part of [local, join(dir, 'logs'), join(payload, 'sbin')]) mkdirSync(part, { recursive: true });
    const headnode = net.createServer(socket => socket.end()).listen(0, '127.0.0.1');
    await once(headnode, 'listening');
    const { port } = headnode.address() as AddressInfo;
    const own = { cluster: 'early', trustDomain: 'early.scailfin', port, payload, localDirectory: local, ...settings };
    writeFileSync(join(dir, 'settings'), `${render('glidein/settings', glideinValues(own))}look=1\n`);
    writeFileSync(join(dir, 'token'), 'token');
    for (const name of ['glidein.sh', 'check.sh', 'leave.sh', 'glidein.conf'])
      writeFileSync(join(dir, name), templateText(`glidein/${name}`));
    const sleeper = new Sleeper(dir, local, headnode);
    sleeper.master('trap "exit 0" QUIT\nsleep 100 & wait\n');
    return sleeper;
  }

  /** What HTCondor's master does instead. */
  master(script: string): void {
    writeFileSync(join(this.dir, 'payload/sbin/condor_master'), `#!/bin/bash\n${script}`, { mode: 0o755 });
  }

  /** A glide-in, in a process group of its own. */
  start({ env, by = [] }: Start = {}): ChildProcess {
    const [file = '', ...args] = [...by, 'bash', join(this.dir, 'glidein.sh'), this.dir];
    const options = { stdio: 'ignore', detached: true } as const;
    return spawn(file, args, env ? { ...options, env: { PATH: process.env.PATH, ...env } } : options);
  }

  /** As a batch system does it: all that it started. */
  async end(glidein: ChildProcess): Promise<void> {
    if (glidein.exitCode !== null || glidein.signalCode !== null) return;
    const ended = once(glidein, 'exit');
    process.kill(-(glidein.pid as number), 'SIGTERM');
    await ended;
  }

  /** What a glide-in said, all runs of a batch job together. */
  log(job: string): string {
    const file = join(this.dir, 'logs', job, 'glidein.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** What glide-ins that could not join wrote down, one text for each. */
  refusals(): string[] {
    const refused = join(this.dir, 'refused');
    return existsSync(refused) ? readdirSync(refused).map(name => readFileSync(join(refused, name), 'utf8')) : [];
  }

  /** What the directory for jobs has. */
  held(): string[] {
    return readdirSync(this.local);
  }

  close(): void {
    this.headnode.close();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}
