import type { BatchJobState } from '../../src/schedulers/job.js';
import type { Reader, Understanding } from '../../src/schedulers/understanding.js';
import { outputOf, type Recording } from '../recordings/recordings.js';

/** How recordings of a kind are to be understood. What isn't said may be anything. */
export interface Family {
  readonly cases: RegExp;
  readonly kind?: Understanding['kind'];
  /** Whether it is an error; unless said, it is where the command failed. */
  readonly error?: boolean;
  readonly ids?: readonly string[];
  /** The states that jobs may have; there is at least one then. */
  readonly states?: readonly (BatchJobState | undefined)[];
  readonly exit?: number;
  readonly reason?: RegExp;
}

/** What is expected of a system's recordings; the first family that fits a case's name counts. */
export interface Expectations {
  readonly families: readonly Family[];
  /** Cases in a form that tells exit statuses and reasons; others may. */
  readonly whole: (recording: Recording) => boolean;
}

export function familyOf({ families }: Expectations, name: string): Family | undefined {
  return families.find(family => family.cases.test(name));
}

/** What is wrong about how a recording is understood; nothing is as it should be. */
export function complaints(read: Reader, recording: Recording, expected: Expectations): string[] {
  const family = familyOf(expected, recording.case);
  if (!family) return ['nothing is expected of it'];
  const { kind, jobs, error } = read(recording.cmd, outputOf(recording));
  const isError = family.error ?? recording.exit !== 0;
  const [shown, asked] = [JSON.stringify(jobs), expected.whole(recording) && recording.exit === 0 && !isError];
  const differs = (ids: readonly string[]): boolean =>
    [...ids].sort().join() !==
    jobs
      .map(job => job.id)
      .sort()
      .join();
  const rules: [boolean, string][] = [
    [family.kind !== undefined && kind !== family.kind, `it is taken for ${kind}, not ${family.kind}`],
    [isError && !/\w{3}/.test(error ?? ''), 'it is no error'],
    [!isError && error !== undefined, `it is an error: ${error}`],
    [family.ids !== undefined && !isError && differs(family.ids), `jobs are not ${family.ids}: ${shown}`],
    [
      !!family.states && !jobs.every(job => family.states?.includes(job.state)),
      `not all are ${family.states}: ${shown}`,
    ],
    [!!family.states && family.states.length > 0 && !isError && jobs.length === 0, 'no job is told'],
    [family.exit !== undefined && !exitsFit(jobs, family.exit, asked), `exit is not ${family.exit}: ${shown}`],
    [
      !!family.reason && asked && !family.reason.test(jobs[0]?.reason ?? ''),
      `no such reason as ${family.reason}: ${shown}`,
    ],
  ];
  return rules.flatMap(([isWrong, what]) => (isWrong ? [what] : []));
}

function exitsFit(jobs: Understanding['jobs'], exit: number, all: boolean): boolean {
  return jobs.every(job => job.exit === exit || (!all && job.exit === undefined));
}
