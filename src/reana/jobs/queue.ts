import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { CommandError, ScailfinError } from '../../errors.js';
import { inLine } from '../../printable.js';
import { commandLine } from '../../shell.js';

/** The attribute with the step's id in its job. */
export const STEP_ATTRIBUTE = 'ScailfinStep';

/** A job in the schedd's queue or history. */
export interface QueuedJob {
  readonly step: string;
  readonly job: string;
  /** HTCondor's JobStatus: 1 idle, 2 running, 3 removed, 4 completed, 5 held, 6 transferring output, 7 suspended. */
  readonly status: number;
  readonly exitCode: number | undefined;
  readonly signal: number | undefined;
  readonly reason: string | undefined;
}

/** How many steps one query of the history names: an argument may have 128 KiB (execve(2)), and each step takes 37 bytes. */
const PAST_AT_ONCE = 1000;

/** The resources that an idle glide-in offers, or that a step asks for. */
export interface Room {
  readonly cores: number;
  /** MiB. */
  readonly memory: number;
  /** KiB. */
  readonly disk: number;
}

/**
 * As in the negotiator's configuration (templates/headnode/condor_config.ejs): a machine that is silent for longer is not
 * matched. Seconds.
 */
const SILENT = 50;

const attributes = [
  ...[STEP_ATTRIBUTE, 'ClusterId', 'ProcId', 'JobStatus'],
  ...['ExitCode', 'ExitBySignal', 'ExitSignal', 'HoldReason', 'RemoveReason'],
];

/** HTCondor's own commands, for this machine's pool. */
export class JobQueue {
  constructor(
    private readonly bin: string,
    private readonly config: string,
  ) {}

  /**
   * Submits a description with all of its jobs, or none.
   * @returns the jobs' ids in the order of the description
   * @throws CommandError if HTCondor refused it, or could not be asked: then it is not known whether the jobs exist
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

  /** All jobs of steps. @throws CommandError if the schedd does not answer: *unknown*, not *gone* */
  async jobs(): Promise<QueuedJob[]> {
    const asked = ['-constraint', `${STEP_ATTRIBUTE} =!= undefined`, '-json', '-attributes', attributes.join(',')];
    return jobsOf(await this.#run(['condor_q', ...asked]));
  }

  /** The jobs of steps after their ends, by their steps. The history is read once for many steps, which takes long. */
  async past(steps: readonly string[]): Promise<Map<string, QueuedJob>> {
    const found = new Map<string, QueuedJob>();
    for (let from = 0; from < steps.length; from += PAST_AT_ONCE) {
      const some = steps.slice(from, from + PAST_AT_ONCE);
      const asked = ['-constraint', `stringListMember(${STEP_ATTRIBUTE}, "${some.join(',')}")`, '-json'];
      // the newest comes first, and with the last that is asked for the reading ends
      const limit = some.length === 1 ? ['-limit', '1'] : [];
      const argv = ['condor_history', ...asked, ...limit, '-attributes', attributes.join(',')] as const;
      for (const job of jobsOf(await this.#run(argv))) if (!found.has(job.step)) found.set(job.step, job);
    }
    return found;
  }

  /** Removes jobs; if some do not exist any more, that is fine. */
  async remove(jobs: readonly string[]): Promise<void> {
    try {
      await this.#run(['condor_rm', ...jobs]);
    } catch (error) {
      if (!(error instanceof CommandError) || !/not found|already/i.test(error.stderr)) throw error;
    }
  }

  /** The sizes of the glide-ins. @throws CommandError if the collector does not answer */
  async rooms(): Promise<Room[]> {
    const lives = `SlotType == "Partitionable" && time() - LastHeardFrom < ${SILENT}`;
    const asked = ['-constraint', lives, '-af', 'TotalSlotCpus', 'TotalSlotMemory', 'TotalSlotDisk'];
    const lines = (await this.#run(['condor_status', ...asked])).split('\n').filter(Boolean);
    return lines.map(line => {
      // numbers, some of them like 1.6E+07; a missing value counts as no limit
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

/** The text may come from a node. */
const reasonOf = (reason: string | undefined): string | undefined => reason && inLine(reason);

/** HTCondor prints a list of objects; for an empty list it prints nothing. */
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
