import { type Call, ok, param, required } from '../http/call.js';
import { HttpError } from '../http/errors.js';
import type { Route } from '../http/router.js';
import type { EdgeEvents, GraphAnswer, LogEvents } from '../overview.js';
import { graphOf } from '../page/graph.js';
import { followLog } from '../page/log.js';
import { EventStream } from '../page/stream.js';
import { overviewOf, runView, stepView } from '../page/views.js';
import type { Parts } from './parts.js';

/** The data for the page (overview.ts). */
export const pageRoutes = (parts: Parts): Route[] => [
  { method: 'GET', path: '/api/edge/overview', handle: async call => ok(overviewOf(parts, call.query.get('run'))) },
  { method: 'GET', path: '/api/edge/events', handle: async call => void events(parts, call) },
  { method: 'GET', path: '/api/edge/steps/:step/log', handle: async call => void (await log(parts, call)) },
  { method: 'GET', path: '/api/edge/graph', handle: async call => ok(await graph(parts, call)) },
  {
    method: 'GET',
    path: '/api/edge/ticket',
    handle: async call => ok({ ticket: parts.tickets.issue(required(call, 'path')) }),
  },
];

/** Shortest interval between two events about the same thing; the latest state is sent. */
const flushMs = 200;

function events(parts: Parts, { response, query }: Call): void {
  const { book, steps, pool } = parts;
  const run = query.get('run');
  const stream = new EventStream<EdgeEvents>(response);
  const waiting = new Map<string, () => void>();
  stream.send('overview', overviewOf(parts, run));
  stream.onClose(book.onChange(({ id }) => waiting.set(id, () => tellRun(parts, id, stream))));
  stream.onClose(
    steps.onChange(step => {
      if (step.request.workflow === run) waiting.set(step.id, () => stream.send('step', stepView(step)));
    }),
  );
  stream.onClose(pool.onAnswer((view, sample) => stream.send('pool', { pool: view, sample })));
  const flush = setInterval(() => {
    const changes = [...waiting.values()];
    waiting.clear();
    for (const change of changes) change();
  }, flushMs);
  stream.onClose(() => clearInterval(flush));
}

function tellRun(parts: Parts, id: string, stream: EventStream<EdgeEvents>): void {
  const run = parts.book.get(id);
  if (run?.status === 'deleted') stream.send('deleted', { id });
  else if (run) stream.send('run', runView(parts, run));
}

async function graph({ book, runner }: Parts, call: Call): Promise<GraphAnswer> {
  const run = book.find(required(call, 'run'));
  return { graph: await graphOf(run, runner.engineDir(run.id)) };
}

async function log({ steps }: Parts, call: Call): Promise<void> {
  const id = param(call, 'step');
  if (!steps.get(id)) throw new HttpError(404, 'This step does not exist.');
  await followLog(steps, id, new EventStream<LogEvents>(call.response));
}
