import type { ServerResponse } from 'node:http';
import type { Step } from '../../jobs/step.js';
import { type Call, ok, param } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import { fullName, type RunRecord } from '../runs/record.js';
import type { Parts } from './parts.js';

/** What the page shows. All times are milliseconds since 1970. */
export const overviewRoutes = (parts: Parts): Route[] => [
  { method: 'GET', path: '/api/edge/overview', handle: async () => ok(overview(parts)) },
  { method: 'GET', path: '/api/edge/steps/:step/log', handle: async call => ok(await stepLog(parts, call)) },
  { method: 'GET', path: '/api/edge/events', handle: async call => void events(parts, call) },
];

function overview(parts: Parts): unknown {
  const { cluster, began, book, engines, steps } = parts;
  const runs = book.all().filter(run => run.status !== 'deleted');
  const described = runs.reverse().map(run => ({ ...runOf(parts, run), steps: steps.of(run.id).map(stepOf) }));
  return { cluster, began, now: Date.now(), engines: Object.keys(engines), runs: described };
}

function runOf({ runner }: Parts, run: RunRecord): object {
  const { id, number, restart, status, created, queued, started, finished, stopped } = run;
  const { total, running, finished: done, failed } = runner.progress(run);
  return {
    ...{ id, name: fullName(run), number, restart, type: run.specification.workflow.type, status },
    ...{ created, queued, started, ended: finished ?? stopped },
    progress: { total, running: running.length, finished: done.length, failed: failed.length },
  };
}

/** Without its environment, which has the user's secrets. */
function stepOf({ request, ...step }: Step): object {
  const { id, state, job, reason, exitCode, node, attempts, created, started, ended } = step;
  return {
    ...{ id, run: request.workflow, name: request.name, command: request.shown ?? request.command },
    ...{ image: request.image, cores: request.resources.cores ?? 1, memory: request.resources.memory },
    ...{ state, job, reason, exitCode, node, attempts, created, started, ended },
  };
}

async function stepLog({ steps }: Parts, call: Call): Promise<unknown> {
  const step = steps.get(param(call, 'step'));
  if (!step) throw new HttpError(404, 'There is no such step.');
  const bytes = Math.min(Number(call.query.get('bytes')) || 65_536, 1 << 20);
  return { id: step.id, state: step.state, log: await steps.log(step.id, bytes) };
}

/** Changes at most so often; a comment now and then, so that nobody on the way takes the silence for an end. */
const flushMs = 200;
const beatMs = 30_000;
/** A client that reads no more is let go, with this much waiting for it. */
const mostBytes = 4 * 2 ** 20;

/** Server-sent events: `run` and `step`, each with the whole of what changed, as the overview has it. */
function events(parts: Parts, { response }: Call): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.write('retry: 2000\n\n');
  const waiting = new Map<string, () => [string, object]>();
  const ends = [
    parts.book.onChange(({ id }) => waiting.set(id, () => ['run', runOf(parts, parts.book.get(id) as RunRecord)])),
    parts.steps.onChange(step => waiting.set(step.id, () => ['step', stepOf(step)])),
  ];
  const flush = setInterval(() => {
    for (const change of waiting.values()) tell(response, ...change());
    waiting.clear();
    if (response.writableLength > mostBytes) response.destroy();
  }, flushMs);
  const beat = setInterval(() => response.write(':\n\n'), beatMs);
  response.once('close', () => {
    for (const end of ends) end();
    clearInterval(flush);
    clearInterval(beat);
  });
}

function tell(response: ServerResponse, event: string, data: object): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
