import type { JobQuery } from '../../src/schedulers/job.js';
import type { Recording } from '../recordings/recordings.js';

/** A job of ours, or a task of one. */
export interface Own {
  readonly job: string;
  readonly task?: number;
}

type Said = Pick<Recording, 'stdout' | 'stderr' | 'exit'>;

/** What programs print, by their first argument; `*` is any. */
export type Programs = { readonly [name: string]: { readonly [first: string]: Said } };

/** The programs of a batch system with these own jobs and others' ids: recorded jobs over and over, with new ids. */
export type Queue = (query: JobQuery, own: readonly Own[], others: readonly string[]) => Programs;

export const says = (stdout: string): Said => ({ stdout, stderr: '', exit: 0 });
export const always = (stdout: string): { readonly '*': Said } => ({ '*': says(stdout) });

export const rowsOf = ({ stdout }: Recording): string[] => stdout.split('\n').filter(Boolean);
export const isArray = (own: readonly Own[]): boolean => own[0]?.task !== undefined;

/** `7` or `7[2]`, `7_2`, `7.2` with other marks. */
export const idOf = ({ job, task }: Own, [open, close] = ['[', ']']): string =>
  task === undefined ? job : `${job}${open}${task}${close}`;

/** One recorded job after the other, as often as needed. */
export function inTurn<T>(all: readonly T[], n: number): T {
  const one = all[n % all.length];
  if (one === undefined) throw new Error('nothing of that kind was recorded');
  return one;
}

/** What is ours in the middle of what is made of others' ids. */
export function among(others: readonly string[], make: (id: string, n: number) => string, own: readonly string[]) {
  const made = others.map(make);
  return [...made.slice(0, made.length / 2), ...own, ...made.slice(made.length / 2)];
}
