import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf, ScailfinError } from '../../errors.js';

/**
 * `settings.json` in the edge's directory, written when it is installed; the file may contain more than the edge reads.
 */
const schema = z.object({
  cluster: z.string(),
  port: z.number().int().min(0).max(65_535),
  /** Secret. */
  token: z.string().min(16),
  condorBin: z.string().startsWith('/'),
  condorConfig: z.string().startsWith('/'),
  /** Version of the scailfin that wrote this. */
  version: z.string().default(''),
  /** Address to listen on; default: loopback only. */
  listen: z.string().optional(),
  /**
   * Python interpreters that have a language's workflow engine, with the packages of
   * templates/engines/requirements-*.txt.
   */
  enginePython: z.partialRecord(z.enum(['cwl', 'yadage', 'snakemake']), z.string().startsWith('/')).optional(),
  /** Directory of the pool's fences, if there are any: workflow engines run behind them. */
  fence: z.string().startsWith('/').optional(),
  /** Servers from which workflows may be launched although they are not public: `HOST` or `HOST:PORT`. */
  launchHosts: z.array(z.string()).optional(),
  /** Interactive sessions: the seconds after which one that nobody uses is closed, and the image of those that name none. */
  sessions: z.object({ idle: z.number().positive().optional(), image: z.string().optional() }).optional(),
  /** How many workflows run at a time. */
  maxRunning: z.number().int().min(1).optional(),
});

export type Settings = z.infer<typeof schema>;

/** @throws ScailfinError naming the file, without its content */
export function readSettings(dir: string): Settings {
  const file = join(dir, 'settings.json');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not JSON' : messageOf(error);
    throw new ScailfinError(`the edge's settings in ${file} can't be read: ${why}`);
  }
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const wrong = read.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`);
  throw new ScailfinError(`the edge's settings in ${file} are not complete: ${wrong.join('; ')}`);
}
