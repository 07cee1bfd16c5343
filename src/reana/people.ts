import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ReanaClient } from './client.js';

/** What the owner is told about a person with whom the cluster is shared (edge/routes/people.ts). */
const told = z.object({
  name: z.string(),
  /** Milliseconds since 1970. */
  since: z.number(),
  /** Bytes that all files may use; absent: no limit. */
  quota: z.number().optional(),
  /** Bytes that they use. */
  used: z.number(),
  runs: z.number(),
  /** Runs that wait or go on. */
  active: z.number(),
  steps: z.object({ running: z.number(), waiting: z.number() }),
});
const list = z.object({ people: z.array(told) });
const removed = z.object({ name: z.string(), stopped: z.number() });

export type PersonThere = z.infer<typeof told>;

/** The people of a cluster's edge, for its owner. */
export class EdgePeople {
  constructor(private readonly client: ReanaClient) {}

  async list(): Promise<PersonThere[]> {
    return (await this.client.ask(list, 'GET', path)).people;
  }

  /**
   * Adds a person, or changes one.
   * @param token secret; undefined keeps the one that the person has. Only its hash leaves this process.
   * @param quota bytes; undefined keeps it
   */
  async put(name: string, { token, quota }: { token?: string | undefined; quota?: number | undefined }): Promise<void> {
    const hash = token === undefined ? {} : { hash: createHash('sha256').update(token).digest('hex') };
    await this.client.ask(told, 'PUT', pathOf(name), {}, { ...hash, ...(quota === undefined ? {} : { quota }) });
  }

  /** Ends a person's access. @param keepRuns whether the person's runs go on @returns how many runs were stopped */
  async remove(name: string, keepRuns: boolean): Promise<number> {
    return (await this.client.ask(removed, 'DELETE', pathOf(name), keepRuns ? { keep_runs: 'true' } : {})).stopped;
  }
}

const path = '/api/edge/people';
const pathOf = (name: string): string => `${path}/${encodeURIComponent(name)}`;
