import type { ChildProcess } from 'node:child_process';
import { expect } from 'vitest';
import { type HostName, Lab } from '../../lab/lab.js';
import { until } from '../../lab/programs.js';

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly ms: number;
}

export interface RunOptions {
  /** Where the command is typed; default the headnode. */
  readonly host?: HostName;
  readonly env?: { readonly [name: string]: string };
  readonly timeoutMs?: number;
}

export interface Complaint {
  /** Exit status, 1 unless said. */
  readonly exit?: number;
  /** What the message must say. */
  readonly says: readonly (RegExp | string)[];
  readonly hint: RegExp | string;
}

/** `--no-wait`: most failures show before any glide-in joins. */
export const up = (name: string, ...more: string[]): string[] => ['up', name, '--site', 'lab-slurm', ...more];

/** A lab, the commands a person types in it, and what must be true afterwards. */
export class Bench {
  private constructor(readonly lab: Lab) {}

  static async open(): Promise<Bench> {
    return new Bench(await Lab.up());
  }

  async close(): Promise<void> {
    await this.lab.down();
  }

  /** Runs `scailfin ARGS…` as scail, to its end. */
  async cli(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const { host = 'headnode', env, timeoutMs = 100_000 } = options;
    const began = Date.now();
    const ran = await this.lab.exec(host, ['scailfin', ...args], { check: false, timeoutMs, ...(env ? { env } : {}) });
    return { ...ran, ms: Date.now() - began };
  }

  /** As `cli`, and it must do what it was told. */
  async good(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const ran = await this.cli(args, options);
    expect(ran.exitCode, ran.stderr).toBe(0);
    return ran;
  }

  /** Starts `scailfin ARGS…`; what it says is gathered in `said`. */
  start(args: readonly string[], host: HostName = 'headnode'): Started {
    return new Started(this.lab.spawn(host, ['scailfin', ...args]));
  }

  /** The command fails as told, with one error and one hint, on the terminal as in JSON. */
  async refuses(args: readonly string[], complaint: Complaint, options: RunOptions = {}): Promise<Ran> {
    const ran = await this.cli(args, options);
    expectComplaint(ran, complaint, args.includes('--json'));
    return ran;
  }

  /** No job, no process, no file anywhere, and no machine remembers a cluster. */
  async expectNothing(hosts: readonly HostName[] = ['headnode', 'laptop']): Promise<void> {
    let found: string[] = [];
    // A session's own processes may take a moment to follow the command they served. A glide-in that Slurm kills after
    // KillWait (3 s in the lab) is tidied up by its keeper, which gives HTCondor 10 s and its last ad 2 s.
    const gone = async () => {
      found = await this.lab.leftovers();
      return found.length === 0;
    };
    await until('nothing to be left', 20_000, gone).catch(() => expect(found.slice(0, 12)).toEqual([]));
    for (const host of hosts) {
      const { stdout } = await this.good(['list', '--json'], { host });
      expect(JSON.parse(stdout), `clusters that ${host} remembers`).toEqual([]);
    }
  }

  /** The site's jobs that wait or run, by id: `1_1`. */
  async jobs(): Promise<string[]> {
    const { stdout } = await this.lab.exec('login', ['squeue', '-h', '-r', '-t', 'PD,R,CF', '-o', '%i']);
    return stdout.split('\n').filter(Boolean).sort();
  }

  /** A profile of the lab's site with something changed, found by name. */
  async profile(name: string, change: (text: string) => string, host: HostName = 'headnode'): Promise<void> {
    const text = change(this.lab.site.profile.replace('name: lab-slurm', `name: ${name}`));
    await this.lab.write(host, `.config/scailfin/sites/${name}.yaml`, text);
  }

  /** Puts a script in front of a program of the login node; `real` in it runs the program itself. */
  async wrap(program: string, body: string): Promise<void> {
    const script = `#!/bin/sh\nreal() { /usr/bin/${program} "$@"; }\n${body}\n`;
    await this.lab.write('login', `/usr/local/bin/${program}`, script, { user: 'root', mode: 0o755 });
  }

  async unwrap(program: string): Promise<void> {
    await this.lab.exec('login', ['rm', '-f', `/usr/local/bin/${program}`], { user: 'root' });
  }
}

export class Started {
  said = '';
  readonly exited: Promise<number | null>;

  constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', data => {
      this.said += data;
    });
    child.stderr?.on('data', data => {
      this.said += data;
    });
    // nsenter passes its command's signal on as its own
    this.exited = new Promise(resolve => child.once('close', code => resolve(code)));
  }

  /** Waits until the output holds `text`. */
  async says(text: string, timeoutMs = 30_000): Promise<void> {
    await until(`"${text}"`, timeoutMs, () => this.said.includes(text)).catch(error => {
      throw new Error(`${error.message}; it said:\n${this.said}`);
    });
  }

  /** Signals the command and waits for its end. @returns its exit status; null when the signal ended it */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.exited;
  }
}

export function expectComplaint(ran: Ran, { exit = 1, says, hint }: Complaint, json = false): void {
  const all = `${ran.stdout}${ran.stderr}`;
  expect(all).not.toMatch(/bug in scailfin|\n\s+at .*\.js:\d+/);
  const { message, advice } = json ? inJson(ran) : inWords(ran);
  for (const part of says) expect(message).toMatch(part);
  expect(advice).toMatch(hint);
  expect(ran.exitCode, all).toBe(exit);
}

function inWords({ stdout, stderr }: Ran): { message: string; advice: string } {
  expect(stdout).toBe('');
  expect(stderr.match(/^error: /gm) ?? [], stderr).toHaveLength(1);
  expect(stderr.match(/^ {2}→ /gm) ?? [], stderr).toHaveLength(1);
  const [message = '', advice = ''] = stderr.slice(stderr.indexOf('error: ') + 7).split('\n  → ');
  return { message, advice };
}

/** The whole of stdout is one document, and stderr is quiet. */
function inJson({ stdout, stderr }: Ran): { message: string; advice: string } {
  expect(stderr).toBe('');
  const { error, message, hint } = JSON.parse(stdout) as Record<string, string>;
  expect(error).toMatch(/Error$/);
  return { message: message ?? '', advice: hint ?? '' };
}
