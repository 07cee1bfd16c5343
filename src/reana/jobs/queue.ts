import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { CommandError, ScailfinError } from '../../errors.js';
import { inLine } from '../../printable.js';
import { commandLine } from '../../shell.js';

/** The attribute by which a job tells whose it is. */
export const STEP_ATTRIBUTE = 'ScailfinStep';

/** A job as the schedd knows it, or its history. */
export interface QueuedJob {
  readonly step: string;
  readonly job: string;
  /** HTCondor's JobStatus: 1 idle, 2 running, 3 removed, 4 completed, 5 held, 6 transferring output, 7 suspended. */
  readonly status: number;
  readonly exitCode: number | undefined;
  readonly signal: number | undefined;
  readonly reason: string | undefined;
}

/** What a glide-in has for steps when it runs none, or what a step asks for. */
export interface Room {
  readonly cores: number;
  /** MiB. */
  readonly memory: number;
  /** KiB. */
  readonly disk: number;
}

/** As the negotiator has it (templates/headnode/condor_config.ejs): who is silent for longer is not matched. Seconds. */
const SILENT = 50;

const attributes = [
  ...[STEP_ATTRIBUTE, 'ClusterId', 'ProcId', 'JobStatus'],
  ...['ExitCode', 'ExitBySignal', 'ExitSignal', 'HoldReason', 'RemoveReason'],
];

/** HTCondor's own commands on this machine's pool. */
export class JobQueue {
  constructor(
    private readonly bin: string,
    private readonly config: string,
  ) {}

  /**
   * Submits a description, all of its jobs or none.
   * @returns the jobs' ids in the description's order
   * @throws CommandError when HTCondor refused it, or could not be asked: whether the jobs are there is not known then
   */
  async submit(description: string): Promise<string[]> {
    const said = await this.#run(['condor_submit', '-terse', description]);
    const ranges = [...said.matchAll(/^(\d+)\.(\d+) - \1\.(\d+)$/gm)];
    const jobs = ranges.flatMap(([, cluster, from, to]) => {
      const count = Number(to) - Number(from) + 1;
      return Array.from({ length: count }, (_, i) => `${cluster}.${Number(from) + i}`);
    });
    if (jobs.length === 0) throw new ScailfinError(`condor_submit's answer can't be read: ${said.trim()}`);
    return jobs;
  }

  /** All jobs which are steps. @throws CommandError when the schedd does not answer: *unknown*, not *gone* */
  async jobs(): Promise<QueuedJob[]> {
    const asked = ['-constraint', `${STEP_ATTRIBUTE} =!= undefined`, '-json', '-attributes', attributes.join(',')];
    return jobsOf(await this.#run(['condor_q', ...asked]));
  }

  /** A step's job after its end. */
  async past(step: string): Promise<QueuedJob | undefined> {
    const asked = ['-constraint', `${STEP_ATTRIBUTE} == "${step}"`, '-limit', '1', '-json'];
    return jobsOf(await this.#run(['condor_history', ...asked, '-attributes', attributes.join(',')]))[0];
  }

  /** Removes jobs; those not there any more are fine. */
  async remove(jobs: readonly string[]): Promise<void> {
    try {
      await this.#run(['condor_rm', ...jobs]);
    } catch (error) {
      if (!(error instanceof CommandError) || !/not found|already/i.test(error.stderr)) throw error;
    }
  }

  /** The glide-ins' sizes. @throws CommandError when the collector does not answer */
  async rooms(): Promise<Room[]> {
    const lives = `SlotType == "Partitionable" && time() - LastHeardFrom < ${SILENT}`;
    const asked = ['-constraint', lives, '-af', 'TotalSlotCpus', 'TotalSlotMemory', 'TotalSlotDisk'];
    const lines = (await this.#run(['condor_status', ...asked])).split('\n').filter(Boolean);
    return lines.map(line => {
      // numbers, some of them as 1.6E+07; what it does not tell is not held against it
      const numbers = line.split(' ').map(Number);
      const [cores = 0, memory = 0, disk = 0] = numbers.map(n => (Number.isNaN(n) ? Number.POSITIVE_INFINITY : n));
      return { cores, memory, disk };
    });
  }

  #run(argv: readonly [string, ...string[]]): Promise<string> {
    const [program, ...args] = argv;
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('_CONDOR_'));
    const env = { ...Object.fromEntries(own), CONDOR_CONFIG: this.config };
    const options = { env, timeout: 120_000, maxBuffer: 1 << 28, killSignal: 'SIGKILL' as const };
    return new Promise((resolve, reject) => {
      execFile(join(this.bin, program), args, options, (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const status = typeof error.code === 'number' ? error.code : null;
        const said = `${stderr}${program === 'condor_rm' ? stdout : ''}` || error.message;
        reject(new CommandError('the headnode', commandLine(argv), status, said));
      });
    });
  }
}

interface JobAd {
  ScailfinStep?: string;
  ClusterId?: number;
  ProcId?: number;
  JobStatus?: number;
  ExitCode?: number;
  ExitBySignal?: boolean;
  ExitSignal?: number;
  HoldReason?: string;
  RemoveReason?: string;
}

/** Nodes have a say in it. */
const reasonOf = (reason: string | undefined): string | undefined => reason && inLine(reason);

/** HTCondor prints a list of objects, or nothing at all for none. */
function jobsOf(text: string): QueuedJob[] {
  if (text.trim() === '') return [];
  const ads = JSON.parse(text) as JobAd[];
  return ads.map(ad => ({
    step: ad.ScailfinStep ?? '',
    job: `${ad.ClusterId}.${ad.ProcId}`,
    status: ad.JobStatus ?? 0,
    exitCode: ad.ExitBySignal ? undefined : ad.ExitCode,
    signal: ad.ExitBySignal ? ad.ExitSignal : undefined,
    reason: reasonOf(ad.HoldReason ?? ad.RemoveReason),
  }));
}
