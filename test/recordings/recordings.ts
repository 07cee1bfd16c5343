import { readFileSync } from 'node:fs';
import type { Output } from '../../src/schedulers/job.js';

/** One command that was run on a real system, and all it answered. */
export interface Recording {
  readonly case: string;
  readonly cmd: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

export type RecordedSystem = 'slurm' | 'htcondor' | 'openpbs' | 'torque' | 'openlava' | 'gridengine';

export function recordings(system: RecordedSystem): Recording[] {
  return JSON.parse(readFileSync(new URL(`${system}.json`, import.meta.url), 'utf8')) as Recording[];
}

/** What a command answered, as a host hands it on. */
export function outputOf({ stdout, stderr, exit }: Recording): Output {
  return { stdout, stderr, exitCode: exit };
}

/** The recording with this name; a case that isn't there is a mistake in the test. */
export function recorded(all: readonly Recording[], name: string): Recording {
  const found = all.find(r => r.case === name);
  if (!found) throw new Error(`there is no recording ${name}`);
  return found;
}

/** The fields of the recorded format: squeue's letters in the `-o` argument, such as `%i|%F|%T`. */
function formatOf(cmd: string): string[] {
  const format = /-o ['"]([^'"]+)['"]/.exec(cmd)?.[1];
  if (format === undefined) throw new Error(`no -o format in ${cmd}`);
  return format.split('|');
}

/**
 * Re-arranges recorded `squeue -o` lines as if another format had been asked for. A job's name (`%j`) may hold bars of
 * its own, and takes those that the format doesn't account for. `%L`, the time left, was not recorded: it is `%l - %M`.
 */
export function inFormat(recording: Recording, wanted: string): Recording {
  const format = formatOf(recording.cmd);
  const at = format.indexOf('%j');
  const lines = recording.stdout.split('\n').map(line => {
    if (line === '') return '';
    const cells = line.split('|');
    const extra = cells.length - format.length;
    if (extra < 0 || (extra > 0 && at < 0)) throw new Error(`${recording.case}: ${line} is not ${format.join('|')}`);
    if (extra > 0) cells.splice(at, extra + 1, cells.slice(at, at + extra + 1).join('|'));
    const value = (letter: string): string => {
      if (letter === '%L') return timeLeft(value('%l'), value('%M'));
      const cell = cells[format.indexOf(letter)];
      if (cell === undefined) throw new Error(`${recording.case}: ${letter} was not recorded`);
      return cell;
    };
    return wanted.replaceAll(/%\w/g, value);
  });
  return { ...recording, cmd: recording.cmd.replace(format.join('|'), wanted), stdout: lines.join('\n') };
}

function timeLeft(limit: string, used: string): string {
  const seconds = (clock: string): number => clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  const left = Math.max(0, seconds(limit) - seconds(used));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
}
