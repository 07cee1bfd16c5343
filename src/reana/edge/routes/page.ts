import { type Call, ok, param, required } from '../http/call.js';
import type { Route } from '../http/router.js';
import type { EdgeEvents, GraphAnswer, LogEvents, Overview } from '../overview.js';
import { graphOf } from '../page/graph.js';
import { followLog } from '../page/log.js';
import { EventStream } from '../page/stream.js';
import { overviewOf, runView, stepView } from '../page/views.js';
import { everyUser, reads, readsStep } from '../people/rules.js';
import { type Parts, runOf } from './parts.js';

/** The data for the page (overview.ts). */
export const pageRoutes = (parts: Parts): Route[] => [
  { method: 'GET', path: '/api/edge/overview', rule: everyUser, handle: async call => ok(overview(parts, call)) },
  { method: 'GET', path: '/api/edge/events', rule: everyUser, handle: async call => void events(parts, call) },
  {
    ...{ method: 'GET', path: '/api/edge/steps/:step/log', rule: readsStep('step') },
    handle: async call => void (await log(parts, call)),
  },
  { method: 'GET', path: '/api/edge/graph', rule: reads('run'), handle: async call => ok(await graph(parts, call)) },
  {
    ...{ method: 'GET', path: '/api/edge/ticket', rule: everyUser },
    // a ticket stands for the person who asked for it, so it opens nothing that the token would not open
    handle: async call => ok({ ticket: parts.tickets.issue(required(call, 'path'), call.access.who.id) }),
  },
];

/** Shortest interval between two events about the same thing; the latest state is sent. */
const flushMs = 200;

const overview = (parts: Parts, { access, query }: Call): Overview => overviewOf(parts, access, query.get('run'));

function events(parts: Parts, { access, response, query }: Call): void {
  const { book, steps, pool } = parts;
  const run = query.get('run');
  const stream = new EventStream<EdgeEvents>(response);
  const waiting = new Map<string, () => void>();
  const first = overviewOf(parts, access, run);
  /** The runs that this page shows: one that its reader may not see any more is taken away. */
  const shown = new Set(first.runs.map(({ id }) => id));
  const tellRun = (id: string): void => {
    const now = access.get(id);
    if (now && now.status !== 'deleted') stream.send('run', runView(parts, access, now));
    else if (shown.delete(id)) stream.send('deleted', { id });
    if (now && now.status !== 'deleted') shown.add(id);
  };
  stream.send('overview', first);
  stream.onClose(book.onChange(({ id }) => waiting.set(id, () => tellRun(id))));
  stream.onClose(
    steps.onChange(step => {
      if (step.request.workflow !== run) return;
      // asked when it is sent: until then the run may be shared no longer
      waiting.set(step.id, () => access.get(run) && stream.send('step', stepView(step)));
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

async function graph({ runner }: Parts, call: Call): Promise<GraphAnswer> {
  const run = runOf(call);
  return { graph: await graphOf(run, runner.engineDir(run.id)) };
}

async function log({ steps }: Parts, call: Call): Promise<void> {
  const { access, response } = call;
  const run = runOf(call, 'step').id;
  const mayRead = (): boolean => access.get(run) !== undefined;
  await followLog(steps, param(call, 'step'), new EventStream<LogEvents>(response), mayRead);
}
