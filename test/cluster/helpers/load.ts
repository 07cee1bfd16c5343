import type { Lab } from '../../lab/lab.js';
import { until } from '../../lab/programs.js';
import { scailfin } from './cluster.js';

export interface LoadOptions {
  readonly count: number;
  /** How long each job works. */
  readonly seconds: number;
  /** The size of each job's input; default 20 kB. */
  readonly bytes?: number;
  /** Of each job; default 1. */
  readonly cores?: number;
  /** How long a job whose node is away waits for it. Seconds; default: the pool's own time. */
  readonly lease?: number;
}

/** One begin or end of a job on a node. */
export interface Moment {
  readonly what: 'began' | 'ended';
  readonly job: number;
  readonly node: string;
  /** Unix time. */
  readonly at: number;
}

/** What became of jobs. */
export interface Outcome {
  /** Jobs whose output is not what it must be. */
  readonly wrong: readonly number[];
  /** How often each job began and ended on a node, by what jobs write into a file that the site's nodes share. */
  readonly began: readonly number[];
  readonly ended: readonly number[];
}

/**
 * Jobs whose effects can be counted, of scail on the headnode: each reads its input, works, and returns an output that only
 * its input can give. It also writes into a file of the site when it begins and when it ends.
 */
export class Load {
  private constructor(
    private readonly lab: Lab,
    private readonly dir: string,
    private readonly count: number,
  ) {}

  static async submit(lab: Lab, cluster: string, options: LoadOptions): Promise<Load> {
    const load = await Load.prepare(lab, options);
    await load.queue(cluster);
    return load;
  }

  /** Puts everything there; nothing is submitted. */
  static async prepare(lab: Lab, { count, seconds, bytes = 20_000, cores = 1, lease }: LoadOptions): Promise<Load> {
    const name = `load-${Date.now()}-${made++}`;
    const load = new Load(lab, `/tmp/${name}`, count);
    const inputs = `umask 022; mkdir "$1" && cd "$1" || exit 1
      for i in $(seq 0 $(($2 - 1))); do head -c "$3" /dev/urandom >"in.$i"; done`;
    await lab.exec('headnode', ['sh', '-c', inputs, 'sh', load.dir, String(count), String(bytes)], scail);
    const job = `#!/bin/sh
tell() { echo "$1 $2 $(hostname) $(/bin/date +%s)" >>${load.record}; }
tell began "$1"
sleep ${seconds}
{ sha256sum && cat "in.$1"; } <"in.$1" >"out.$1"
tell ended "$1"
`;
    await lab.write('headnode', `${load.dir}/job.sh`, job, { ...scail, mode: 0o755 });
    const lines = [
      ...[
        `executable = ${load.dir}/job.sh`,
        'arguments = $(Process)',
        `initialdir = ${load.dir}`,
        `log = ${load.dir}/log`,
      ],
      ...[
        'transfer_input_files = in.$(Process)',
        'transfer_output_files = out.$(Process)',
        'request_memory = 100',
        `request_cpus = ${cores}`,
      ],
      ...[
        'error = err.$(Process)',
        ...(lease === undefined ? [] : [`job_lease_duration = ${lease}`]),
        'should_transfer_files = YES',
        'when_to_transfer_output = ON_EXIT',
        `queue ${count}`,
        '',
      ],
    ];
    await lab.write('headnode', `${load.dir}/job.sub`, lines.join('\n'), { ...scail, mode: 0o644 });
    return load;
  }

  async queue(cluster: string): Promise<void> {
    await scailfin(this.lab, 'headnode', ['exec', cluster, '--', 'condor_submit', `${this.dir}/job.sub`]);
  }

  /** Names these jobs. */
  get name(): string {
    return this.dir.slice(5);
  }

  /** The file of the site into which jobs write. */
  private get record(): string {
    return `/home/alice/${this.name}`;
  }

  /** How many jobs have begun, and how many have ended: what HTCondor's log says. */
  async events(): Promise<{ readonly executing: number; readonly done: number }> {
    const text = await this.log();
    const count = (code: string): number => text.match(new RegExp(`^${code} \\(`, 'gm'))?.length ?? 0;
    return { executing: count('001'), done: count('005') };
  }

  async log(): Promise<string> {
    return this.lab.read('headnode', `${this.dir}/log`, scail);
  }

  /** Waits until so many jobs run. */
  async runs(jobs: number, timeoutMs = 30_000): Promise<void> {
    await until(`${jobs} jobs to begin`, timeoutMs, async () => (await this.starts()).began.length >= jobs);
  }

  /** Waits until all jobs have ended. */
  async ends(timeoutMs: number): Promise<void> {
    await until('all jobs to end', timeoutMs, async () => (await this.events()).done >= this.count);
  }

  /** Each begin and end on a node, in this order. */
  async moments(): Promise<Moment[]> {
    const { stdout } = await this.lab.exec('login', ['cat', this.record], { check: false });
    return [...stdout.matchAll(/^(began|ended) (\d+) (\S+) (\d+)$/gm)].map(([, what, job, node = '', at]) => ({
      ...{ what: what as Moment['what'], job: Number(job), node, at: Number(at) },
    }));
  }

  /** The jobs that have begun and ended on nodes, in this order; a job that began twice is there twice. */
  async starts(): Promise<{ readonly began: readonly number[]; readonly ended: readonly number[] }> {
    const moments = await this.moments();
    const all = (word: Moment['what']): number[] => moments.filter(m => m.what === word).map(m => m.job);
    return { began: all('began'), ended: all('ended') };
  }

  /** Compares the outputs with what they must be. */
  async outcome(): Promise<Outcome> {
    const check = `cd "$1" || exit 1
      for i in $(seq 0 $(($2 - 1))); do { sha256sum && cat "in.$i"; } <"in.$i" | cmp -s - "out.$i" || echo "$i"; done`;
    const argv = ['sh', '-c', check, 'sh', this.dir, String(this.count)];
    const { stdout } = await this.lab.exec('headnode', argv, scail);
    const { began, ended } = await this.starts();
    const times = (all: readonly number[]): number[] =>
      Array.from({ length: this.count }, (_, job) => all.filter(n => n === job).length);
    return { wrong: stdout.split('\n').filter(Boolean).map(Number), began: times(began), ended: times(ended) };
  }

  async remove(): Promise<void> {
    await this.lab.exec('headnode', ['rm', '-rf', this.dir], scail);
    await this.lab.exec('login', ['rm', '-f', this.record], { user: 'alice' });
  }
}

const scail = { user: 'scail' };
let made = 0;
