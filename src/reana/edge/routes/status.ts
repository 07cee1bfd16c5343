import type { Step } from '../../jobs/step.js';
import { type Call, json, ok, page } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { reads } from '../people/rules.js';
import { fullName, type RunRecord } from '../runs/record.js';
import { readEnd } from '../tail.js';
import { named, type Parts, runOf, timeOf } from './parts.js';

/** The progress of runs, and the logs of runs and steps. */
export const statusRoutes = (parts: Parts): Route[] => [
  {
    method: 'GET',
    path: '/api/workflows/:run/status',
    rule: reads('run'),
    handle: async call => ok(status(parts, runOf(call))),
  },
  {
    method: 'GET',
    path: '/api/workflows/:run/logs',
    rule: reads('run'),
    handle: async call => ok(await logs(parts, call)),
  },
];

/** The progress of a run in REANA's form. */
export function progressOf({ runner, steps }: Parts, run: RunRecord, inFull: boolean): Record<string, unknown> {
  const times = {
    run_started_at: timeOrNull(run.started),
    run_finished_at: timeOrNull(run.finished),
    run_stopped_at: timeOrNull(run.stopped),
  };
  if (!inFull) return times;
  const { total, running, finished, failed } = runner.progress(run);
  const count = (ids: readonly string[]): unknown => ({ total: ids.length, job_ids: ids });
  const last = steps.of(run.id).at(-1)?.request;
  return {
    ...times,
    ...{ total: { total, job_ids: [] }, running: count(running), finished: count(finished), failed: count(failed) },
    current_command: last ? (last.shown ?? last.command) : null,
    current_step_name: last?.name ?? null,
  };
}

const timeOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : timeOf(ms));

const status = (parts: Parts, run: RunRecord): unknown => ({
  ...{ id: run.id, name: fullName(run), created: timeOf(run.created), status: run.status, user: run.owner },
  progress: progressOf(parts, run, true),
  // the output of steps comes with `logs`, because clients ask for the progress often
  logs: '',
});

/** Limits for all logs of one answer together, and for one step, in bytes. */
const bytes = { all: 32 * 2 ** 20, most: 2 ** 20 };

/** How many logs are read at the same time. */
const TOGETHER = 16;

async function logs(parts: Parts, call: Call): Promise<unknown> {
  const run = runOf(call);
  const wanted = (await json(call)) ?? [];
  if (!Array.isArray(wanted)) throw new HttpError(400, 'Malformed request.');
  const all = parts.steps.of(run.id);
  const { items } = page(call, wanted.length > 0 ? all.filter(step => wanted.includes(step.request.name)) : all);
  const each = Math.min(bytes.most, Math.floor(bytes.all / Math.max(1, items.length)));
  const jobs: (readonly [string, unknown])[] = [];
  for (let from = 0; from < items.length; from += TOGETHER) {
    const some = items.slice(from, from + TOGETHER);
    jobs.push(
      ...(await Promise.all(
        some.map(async step => [step.id, jobLog(step, await parts.steps.log(step.id, each))] as const),
      )),
    );
  }
  const told = {
    workflow_logs: wanted.length > 0 ? null : await readEnd(parts.runner.logFile(run.id), bytes.most),
    job_logs: Object.fromEntries(jobs),
    engine_specific: null,
  };
  return { ...named(run), logs: JSON.stringify(told) };
}

/** A step in REANA's form. Why it waits or failed is part of its log, because REANA has no field for it. */
const jobLog = (step: Step, said: string): unknown => ({
  workflow_uuid: step.request.workflow,
  job_name: step.request.name,
  compute_backend: 'HTCondor',
  backend_job_id: step.job ?? '',
  docker_img: step.request.image,
  cmd: step.request.shown ?? step.request.command,
  status: step.state,
  logs: step.reason ? `${said}${said === '' || said.endsWith('\n') ? '' : '\n'}${step.reason}\n` : said,
  started_at: timeOrNull(step.started),
  finished_at: timeOrNull(step.ended),
});
