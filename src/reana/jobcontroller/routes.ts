import { randomUUID } from 'node:crypto';
import { UsageError } from '../../errors.js';
import type { Step, StepService } from '../jobs/step.js';
import { stepId } from '../stepid.js';
import { type Controlled, jobRequest, jobView } from './job.js';

/** The job does not exist, or belongs to another run. */
export class Missing extends UsageError {}

interface Asked {
  readonly of: Controlled;
  readonly steps: StepService;
  /** Aborted when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

interface Answer {
  readonly status: number;
  readonly value: unknown;
}

const LONGEST_WAIT_SECONDS = 300;

/** Answers one request, whose sender has shown the token. */
export async function handle(asked: Asked, method: string, url: URL, body: unknown): Promise<Answer> {
  const [, kind, id, part] = url.pathname.replace(/\/+$/, '').split('/');
  if (kind === 'job_cache' && method === 'GET') return { status: 200, value: { cached: false, result_path: null } };
  if (kind !== 'jobs') throw new Missing(`${url.pathname} is not a path of the job controller`);
  if (id === undefined) return collection(asked, method, body);
  if (id === 'find' && method === 'POST') return find(asked, body);
  const step = own(asked, id);
  if (part === 'logs' && method === 'GET') return { status: 200, value: await asked.steps.log(id) };
  if (part !== undefined) throw new Missing(`${url.pathname} is not a path of the job controller`);
  if (method === 'GET') {
    const wait = Number(url.searchParams.get('wait') ?? 0);
    return { status: 200, value: jobView(wait > 0 ? await over(asked, step, wait) : step) };
  }
  if (method !== 'DELETE') throw new UsageError(`${method} is not supported for a job`);
  await asked.steps.stop(id);
  return { status: 204, value: '' };
}

async function collection({ of, steps }: Asked, method: string, body: unknown): Promise<Answer> {
  if (method === 'GET') return { status: 200, value: listed(steps.of(of.workflow)) };
  if (method !== 'POST') throw new UsageError(`${method} is not supported for the list of jobs`);
  const { request, key } = jobRequest(body, of);
  const id = key === undefined ? randomUUID() : stepId(of.workflow, key);
  const step = await steps.submit(request, id);
  return { status: 201, value: { job_id: step.id } };
}

/** The job that was submitted with a key. */
function find({ of, steps }: Asked, body: unknown): Answer {
  const key = (body as { key?: unknown } | undefined)?.key;
  if (typeof key !== 'string') throw new UsageError('a key is missing');
  const step = steps.get(stepId(of.workflow, key));
  return { status: 200, value: listed(step ? [step] : []) };
}

const listed = (steps: readonly Step[]) => ({ jobs: Object.fromEntries(steps.map(s => [s.id, jobView(s)])) });

function own({ of, steps }: Asked, id: string): Step {
  const step = steps.get(id);
  if (step?.request.workflow === of.workflow) return step;
  throw new Missing(`there is no job ${id} in this run`);
}

/** Resolves when the step is over, the time is up or nobody listens any more, with the step as it is then. */
async function over({ steps, gone }: Asked, step: Step, seconds: number): Promise<Step> {
  const enough = new AbortController();
  const end = (): void => enough.abort();
  const timer = setTimeout(end, Math.min(seconds, LONGEST_WAIT_SECONDS) * 1000);
  gone.addEventListener('abort', end);
  if (gone.aborted) end();
  try {
    return await steps.ended(step.id, enough.signal);
  } catch (error) {
    if (!enough.signal.aborted) throw error;
    return steps.get(step.id) ?? step;
  } finally {
    clearTimeout(timer);
    gone.removeEventListener('abort', end);
  }
}
