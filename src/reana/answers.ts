import * as z from 'zod';
import { runStatuses } from './run.js';

// The answers of REANA's API (0.9), as far as they are used here. Texts may contain anything: they are made harmless
// where they are shown. Fields that are not named here are kept for --json.

/** The answer of requests that only confirm that something was done. */
export const told = z.unknown();

export const created = z.object({ workflow_id: z.string(), workflow_name: z.string() });

export const counted = z.object({ total: z.number() });

export const listing = z.object({
  items: z.array(z.object({ name: z.string() })),
  total: z.number(),
});

const count = z.looseObject({ total: z.number().catch(0) }).catch({ total: 0 });

/** The answer of `GET …/status` about a run. */
export const report = z.looseObject({
  id: z.string(),
  name: z.string(),
  status: z.enum(Object.keys(runStatuses) as (keyof typeof runStatuses)[]),
  progress: z.looseObject({ total: count, running: count, finished: count, failed: count }),
});
export type RunReport = z.output<typeof report>;

const text = z.string().nullish();

/** One step in the answer of `GET …/logs`. */
const step = z.object({
  job_name: z
    .string()
    .nullish()
    .transform(name => name ?? 'step'),
  status: z
    .string()
    .nullish()
    .transform(status => status ?? 'unknown'),
  ...{ logs: text, started_at: text, finished_at: text },
});
export type StepReport = z.output<typeof step>;

/** A JSON document inside a JSON document. */
export const runLogs = z.object({ logs: z.string() }).transform(({ logs }, ctx) => {
  try {
    return z.object({ workflow_logs: text, job_logs: z.record(z.string(), step) }).parse(JSON.parse(logs));
  } catch {
    ctx.addIssue({ code: 'custom', message: 'its logs are not understood' });
    return z.NEVER;
  }
});
export type RunLogs = z.output<typeof runLogs>;

const names = z
  .array(z.string())
  .nullish()
  .transform(list => list ?? []);

export const specified = z.object({
  specification: z.object({
    outputs: z
      .object({ files: names, directories: names })
      .nullish()
      .transform(outputs => outputs ?? { files: [], directories: [] }),
  }),
});
