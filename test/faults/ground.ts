import type { ChildProcess } from 'node:child_process';
import { inLab } from '../lab/bundled.js';
import { type HostName, Lab, type LabOptions } from '../lab/lab.js';
import { secrets } from '../secrets.js';
import { Meeting } from './meeting.js';
import { type Plan, RECORD, variable } from './point.js';

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  /** null when a signal ended it. */
  readonly exitCode: number | null;
}

const entry = new URL('entry.ts', import.meta.url).pathname;
const root = { user: 'root' };

/** Where the cluster's record is: a small file system, so that it can be full. */
export const stateDir = '/home/scail/.local/state/scailfin';

const prepare = `install -d -o scail -g scail /home/scail/.local /home/scail/.local/state ${stateDir}
mount -t tmpfs -o size=1m,mode=700,uid=$(id -u scail),gid=$(id -g scail) none ${stateDir}`;

/** A lab on which commands are typed at the laptop, with or without a fault. */
export class Ground {
  /** All that was printed since the last look, for secrets. */
  said = '';
  /** Another machine has a cluster of the same name. */
  hasRival = false;
  /** Other commands may work on the cluster while this one does. */
  isOpen = false;
  /** The scenarios that have found here what they need. */
  readonly ready = new Set<string>();
  /** What was seen that must not be. */
  wrong: string[] = [];
  private constructor(readonly lab: Lab) {}

  static async open(options: LabOptions): Promise<Ground> {
    const ground = new Ground(await Lab.up(options));
    await ground.lab.exec('laptop', ['sh', '-ec', prepare], root);
    const profile = ground.lab.site.profile.replace(/type: (\w+)/, 'type: $1\n  silence: 10s');
    for (const host of ['laptop', 'headnode'] as const)
      await ground.lab.write(host, `.config/scailfin/sites/${ground.lab.site.profileName}.yaml`, profile);
    return ground;
  }

  close(): Promise<void> {
    return this.lab.down();
  }

  get site(): string {
    return this.lab.site.profileName;
  }

  /** Types `scailfin ARGS…` and waits for its end. */
  async cli(args: readonly string[], host: HostName = 'laptop', timeoutMs = 240_000): Promise<Ran> {
    const ran = await this.lab.exec(host, ['scailfin', ...args], { check: false, timeoutMs });
    this.said += `${ran.stdout}${ran.stderr}`;
    return ran;
  }

  /** Starts the same command so that it can be met at its actions. */
  async start(args: readonly string[], plan?: Plan): Promise<Tried> {
    const meeting = new Meeting(this.lab, 'laptop');
    const env = { [variable]: plan === undefined ? RECORD : JSON.stringify(plan) };
    const child = this.lab.spawn('laptop', [...(await inLab(entry)), ...args], { env });
    return new Tried(this, child, meeting);
  }

  asRoot(host: HostName, script: string): Promise<Ran> {
    return this.lab.exec(host, ['sh', '-c', script], { ...root, check: false });
  }

  /** The site's jobs that wait or run, by id. */
  async jobs(): Promise<string[]> {
    const { stdout } = await this.lab.exec('login', ['/usr/bin/squeue', '-h', '-r', '-t', 'PD,R,CF', '-o', '%i']);
    return stdout.split('\n').filter(Boolean);
  }

  /** Pools that run on the headnode. */
  async pools(): Promise<number> {
    const { stdout } = await this.asRoot('headnode', 'pgrep -u scail -x -c condor_master');
    return Number(stdout);
  }

  /** Glide-ins that run on the nodes. */
  async glideins(): Promise<number> {
    const counts = (['c1', 'c2'] as const).map(node => this.asRoot(node, 'pgrep -u alice -x -c condor_startd'));
    return (await Promise.all(counts)).reduce((sum, { stdout }) => sum + Number(stdout), 0);
  }

  /** What looks like a secret in anything that was printed or recorded. */
  async secretsShown(): Promise<string[]> {
    const records = await this.asRoot('laptop', `cat ${stateDir}/clusters/*/journal.jsonl 2>/dev/null`);
    const text = `${this.said}${records.stdout}`;
    this.said = '';
    const found =
      /PRIVATE KEY-----|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\./.exec(text)?.[0] ?? secrets.find(s => text.includes(s));
    return found === undefined ? [] : [`a secret was shown: ${found.slice(0, 12)}…`];
  }
}

/** A command that is met at its actions. */
export class Tried {
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | null>;

  constructor(
    ground: Ground,
    private readonly child: ChildProcess,
    readonly meeting: Meeting,
  ) {
    child.stdout?.on('data', data => {
      this.stdout += data;
      ground.said += data;
    });
    child.stderr?.on('data', data => {
      this.stderr += data;
      ground.said += data;
    });
    this.exited = new Promise(resolve => {
      child.once('close', code => resolve(code));
    });
  }

  /** Its terminal is closed: it can print nothing more, and gets the signal for that. */
  hangUp(): void {
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    this.child.kill('SIGHUP');
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  get isOver(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
}
