import type { Output } from '../../src/schedulers/job.js';
import { templateText } from '../../src/templates.js';
import type { Machine, World } from './world.js';

/** A script that runs on a machine. */
export interface Run {
  readonly world: World;
  readonly machine: Machine;
  readonly stdin: string;
  /** The addresses of the connection, client and server; absent on this machine. */
  readonly ssh: string | undefined;
  /**
   * So much time passes. The connection may break in the meantime: then the script ends here, or nobody hears what it goes on
   * to do.
   */
  pause(ms: number): Promise<void>;
}

/** Stands in for one script: its arguments, and what it prints. */
export type Script = (run: Run, args: readonly string[]) => Promise<Output>;

export const says = (lines: readonly string[] | string = []): Output => ({
  ...{ stdout: typeof lines === 'string' ? lines : lines.map(line => `${line}\n`).join(''), stderr: '' },
  exitCode: 0,
});
export const fails = (exitCode: number, stderr: string): Output => ({ stdout: '', stderr: `${stderr}\n`, exitCode });

export const template = (...names: string[]): string => names.map(templateText).join('\n');
export const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** What a shell prints of an error, and its status. */
export const failed = (error: unknown): Output => {
  if (error instanceof Error) return fails(1, error.message);
  throw error;
};
