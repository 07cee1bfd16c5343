import type { Step, StepRequest } from '../../src/reana/jobs/step.js';
import type { Lab } from '../lab/lab.js';
import { makeImage } from '../reana/helpers/image.js';
import { edge, ServiceThere } from '../reana/helpers/pool.js';

const config = '/home/scail/.scailfin/lab-slurm/pool/condor_config';
const workspace = `${edge}/workspaces/bench`;
const image = '/home/alice/image';
const script = '/opt/scailfin/test/bench/bare.mjs';

/** Milliseconds from submitting to knowing what came out; and of these, from the start of its job there. */
export interface Way {
  readonly all: number[];
  readonly ran: number[];
}
/** Next: where the node of the one before is still kept. */
export type Latencies = Readonly<Record<'bare' | 'first' | 'next' | 'contained', Way>> & {
  /** What of a step in a container is the wrapper's own, by its reports, in ms. */
  readonly wrapper: number[];
};

/** What all of them took, in milliseconds. */
export interface Taken {
  readonly ms: number;
  /** Of all processors, by all hosts of the lab and by whoever asks; undefined where it can't be measured. */
  readonly cpuMs: number | undefined;
}

export interface Rates {
  readonly jobs: number;
  readonly bare: Taken;
  readonly steps: Taken;
}

/** What one step moved, in bytes. */
export interface Moved {
  readonly node: string;
  readonly ms: number;
  /** All files of the run. */
  readonly workspace: number;
  readonly fetched: number;
  readonly returned: number;
  /** What went over the headnode's network meanwhile. */
  readonly wire: number;
}

/** A pool with a step service on its headnode; the pool's own edge must not run, since it ends steps that are not its. */
export class Steps {
  private constructor(
    private readonly lab: Lab,
    private readonly service: ServiceThere,
    private readonly cpuMs: () => number | undefined,
  ) {}

  /** @param cpuMs what all of the lab has used of the processors so far, if that is known */
  static async start(lab: Lab, cpuMs: () => number | undefined = () => undefined): Promise<Steps> {
    await makeImage(lab, 'c1', image);
    await lab.exec('headnode', ['mkdir', '-p', workspace]);
    return new Steps(lab, await ServiceThere.start(lab), cpuMs);
  }

  close(): Promise<void> {
    return this.service.close();
  }

  /** The same command as a bare job, as a step that has to be matched, as one that has not, and in a container. */
  async latencies(rounds: number): Promise<Latencies> {
    const way = (): Way => ({ all: [], ran: [] });
    const found: Latencies = { bare: way(), first: way(), next: way(), contained: way(), wrapper: [] };
    const record = (to: Way, { ms, ran }: { readonly ms: number; readonly ran: number }): void => {
      to.all.push(ms);
      to.ran.push(ran);
    };
    // the first of each fills caches
    for (let round = -1; round < rounds; round++) {
      // a bare job must not find a node that is kept for steps
      await pause(11_000);
      const bare = await this.bare(1, 'true');
      await pause(1000);
      const first = await this.step('true');
      await pause(1000);
      const next = await this.step('true');
      await pause(1000);
      const contained = await this.step('true', image);
      if (round < 0) continue;
      record(found.bare, bare);
      record(found.first, first);
      record(found.next, next);
      record(found.contained, contained);
      const phases = ['runtime', 'inputs', 'outputs'].map(phase => Number(contained.report.get(`seconds_${phase}`)));
      found.wrapper.push(1000 * phases.reduce((sum, s) => sum + s, 0));
    }
    return found;
  }

  /** As many trivial jobs at once, bare and as steps. */
  async rates(jobs: number): Promise<Rates> {
    // neither finds nodes that are kept for the other, or that the pool believes to be in use
    await pause(11_000);
    const bare = await this.taken(() => this.bare(jobs, 'true'));
    await pause(11_000);
    const steps = await this.taken(() => this.stepsAtOnce(jobs));
    return { jobs, bare, steps };
  }

  private async taken(work: () => Promise<unknown>): Promise<Taken> {
    const [began, before] = [performance.now(), this.cpuMs()];
    await work();
    const after = this.cpuMs();
    const cpuMs = before === undefined || after === undefined ? undefined : after - before;
    return { ms: performance.now() - began, cpuMs };
  }

  private async stepsAtOnce(jobs: number): Promise<void> {
    const steps = await Promise.all(Array.from({ length: jobs }, () => this.service.submit(requestOf('true'))));
    const ended = await Promise.all(steps.map(({ id }) => this.service.ended(id)));
    for (const step of ended) checkEnd(step);
  }

  /** Each step changes one MB of a run of 1 GB: `rounds` on a node that has not seen it, then as many on the other one. */
  async bytes(rounds: number): Promise<Moved[]> {
    const make =
      'for i in $(seq 15); do head -c 64M /dev/urandom >large.$i; done; for i in $(seq 64); do head -c 1M /dev/urandom >part.$i; done';
    await this.here(`cd ${workspace} && ${make}`);
    const found: Moved[] = [];
    for (const other of ['c2', 'c1']) {
      const busy = await this.occupy(other);
      for (let round = 1; round <= rounds; round++) {
        const before = await this.wire();
        const { ms, step, report } = await this.step('cat large.* >/dev/null; head -c 1M /dev/urandom >part.1');
        const bytes = (key: string): number => Number(report.get(key));
        const moved = { workspace: bytes('bytes_in'), fetched: bytes('bytes_fetched'), returned: bytes('bytes_out') };
        found.push({ node: step.node ?? '?', ms, ...moved, wire: (await this.wire()) - before });
      }
      await this.here(`condor_rm ${busy}`);
    }
    await this.here(`rm -rf ${workspace}/*`);
    return found;
  }

  private async bare(count: number, ...command: readonly string[]): Promise<{ ms: number; ran: number }> {
    const argv = ['node', script, '/home/scail/bare', String(count), ...command];
    const { stdout } = await this.lab.exec('headnode', argv, { env: { CONDOR_CONFIG: config }, timeoutMs: 300_000 });
    return JSON.parse(stdout);
  }

  private async step(command: string, image = '') {
    const began = performance.now();
    const { id } = await this.service.submit(requestOf(command, image));
    const step = await this.service.ended(id);
    const ms = performance.now() - began;
    checkEnd(step);
    const started =
      this.service.changes.find(({ step: now }) => now.id === id && now.state === 'running')?.at ?? Number.NaN;
    const ran = (this.service.heardOfEnd(id) ?? Number.NaN) - started;
    const lines = (await this.lab.read('headnode', `${edge}/steps/${id}/job/report`)).split('\n');
    return { ms, ran, step, report: new Map(lines.map(line => line.split('=', 2) as [string, string])) };
  }

  /** Takes all cores of a node. @returns the job that does */
  private async occupy(node: string): Promise<string> {
    const has = (await this.here('condor_status -const PartitionableSlot -af Machine TotalCpus')).split('\n');
    const cores = Number(has.find(line => line.startsWith(`${node} `))?.split(' ')[1]);
    const description = `executable = /bin/sleep
arguments = 3600
transfer_executable = False
requirements = Machine == "${node}"
request_cpus = ${cores}
request_memory = 100
request_disk = 10240
queue`;
    await this.here('mkdir -p occupied');
    await this.lab.write('headnode', 'occupied/job.sub', description);
    const job = (await this.here('cd occupied; condor_submit -terse job.sub')).split(' ')[0] as string;
    for (let waited = 0; (await this.here(`condor_q ${job} -af JobStatus`)) !== '2'; waited++) {
      if (waited > 400) throw new Error(`${node} was not free`);
      await new Promise(resolve => setTimeout(resolve, 200));
    }
    return job;
  }

  /** Bytes the headnode has sent and received. */
  private async wire(): Promise<number> {
    const counters = (await this.here('cat /sys/class/net/wan/statistics/[rt]x_bytes')).split('\n');
    return counters.reduce((sum, line) => sum + Number(line), 0);
  }

  private async here(command: string): Promise<string> {
    const options = { env: { CONDOR_CONFIG: config }, timeoutMs: 120_000 };
    return (await this.lab.exec('headnode', ['bash', '-c', command], options)).stdout.trim();
  }
}

const requestOf = (command: string, image = ''): StepRequest => ({
  ...{ workflow: 'bench', workspace, name: 'step', image, command, environment: {} },
  resources: { memory: 100, disk: 10 },
});

function checkEnd(step: Step): void {
  if (step.state !== 'finished') throw new Error(`a step ${step.state}: ${step.reason}`);
}

/** Up to a second more: nothing begins at the same moment of the pool's own cycle each time. */
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms + 1000 * Math.random()));
