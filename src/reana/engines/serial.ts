import { ScailfinError, UsageError } from '../../errors.js';
import { resourcesOf } from '../hints.js';
import type { Step, StepRequest, StepResources, StepState } from '../jobs/step.js';
import { stepId } from '../stepid.js';
import type { EngineRun, WorkflowEngine } from './engine.js';
import { failure } from './failure.js';
import { expand } from './parameters.js';

/** A step in reana.yaml; its commands run one after the other, each as a job. */
interface SerialStep {
  readonly name?: string;
  readonly environment?: string;
  readonly commands: readonly string[];
  readonly [hint: string]: unknown;
}

/** One command of a step. */
interface Command {
  readonly id: string;
  readonly step: string;
  readonly image: string;
  readonly command: string;
  readonly resources: StepResources;
}

/**
 * REANA's serial workflows: each command waits for the one before. After a restart of the edge, commands that already ran
 * are found again, because a command's id is computed from its place in the run.
 */
export const serial: WorkflowEngine = {
  async run(run, signal) {
    const commands = commandsOf(run);
    const tell = (id: string, state: StepState): void => {
      run.tally.see({ id, state });
      run.progress();
    };
    run.tally.total = commands.length;
    run.progress();
    for (const { id, step, image, command, resources } of commands) {
      signal.throwIfAborted();
      const request: StepRequest = {
        ...{ workflow: run.workflow, workspace: run.workspace, name: step, image, resources },
        ...{ command, environment: run.environment },
        secrets: run.secrets,
        cvmfs: run.cvmfs,
      };
      // one that an earlier edge submitted has begun to change files
      const before = run.steps.get(id) ? undefined : await run.cache?.take(id, request);
      if (before && 'from' in before) {
        run.log(`${step}: not run, because ${before.from} ran the same command on the same files: ${command}`);
        tell(id, 'finished');
        continue;
      }
      signal.throwIfAborted();
      await run.steps.submit(request, id);
      tell(id, 'running');
      const ended = await stoppable(run, id, signal);
      if (ended.state !== 'finished') {
        tell(id, 'failed');
        throw new ScailfinError(failure(ended));
      }
      tell(id, 'finished');
      await before?.keep();
    }
  },
};

async function stoppable({ steps }: EngineRun, id: string, signal: AbortSignal): Promise<Step> {
  const stop = (): void => void steps.stop(id);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const step = await steps.ended(id);
    signal.throwIfAborted();
    return step;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** All commands to run, with parameters filled in. @throws UsageError for what can't be run, before anything runs */
function commandsOf(run: EngineRun): Command[] {
  const { steps } = (run.specification.workflow.specification ?? {}) as { steps?: readonly SerialStep[] };
  if (!Array.isArray(steps) || steps.length === 0) throw new UsageError('the workflow has no steps');
  const named = steps.map((step, n) => ({ ...step, name: step.name ?? `step ${n + 1}` }));
  const [from, to] = range(named, run.options);
  return named.slice(from, to).flatMap((step, place) =>
    step.commands.map((text: string, n: number) => ({
      id: stepId(run.workflow, `${from + place}.${n}`),
      step: step.name,
      image: step.environment ?? '',
      command: expand(text, run.parameters),
      resources: resourcesOf(step),
    })),
  );
}

/**
 * FROM and TARGET name steps, in upper or lower case; the result is the index of the first step, and the index after the
 * last.
 */
function range(steps: readonly { readonly name: string }[], options: EngineRun['options']): [number, number] {
  const find = (option: 'FROM' | 'TARGET'): number | undefined => {
    const wanted = options[option];
    if (typeof wanted !== 'string' || wanted === '') return undefined;
    const index = steps.findIndex(step => step.name.toLowerCase() === wanted.toLowerCase());
    if (index >= 0) return index;
    throw new UsageError(`there is no step ${wanted} to ${option === 'FROM' ? 'begin with' : 'end with'}`, {
      hint: `the steps are ${steps.map(s => s.name).join(', ')}`,
    });
  };
  const [from, target] = [find('FROM') ?? 0, find('TARGET') ?? steps.length - 1];
  if (from <= target) return [from, target + 1];
  throw new UsageError(`step ${steps[from]?.name}, to begin with, comes after ${steps[target]?.name}, to end with`);
}
