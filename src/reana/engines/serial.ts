import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ScailfinError, UsageError } from '../../errors.js';
import { parseDuration } from '../../units.js';
import type { Step, StepResources } from '../jobs/step.js';
import type { Engine, EngineRun } from './engine.js';
import { expand } from './parameters.js';

/** A step as reana.yaml has it; its commands run one after the other, each as a job. */
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
 * REANA's serial workflows: each command waits for the one before. What ran before the edge was killed is found again,
 * since a command's id follows from its place in the run.
 */
export const serial: Engine = {
  async run(run, signal) {
    const commands = commandsOf(run);
    const finished: string[] = [];
    const tell = (running: readonly string[], failed: readonly string[] = []): void =>
      run.progress({ total: commands.length, running, finished: [...finished], failed });
    tell([]);
    for (const { id, step, image, command, resources } of commands) {
      signal.throwIfAborted();
      await run.steps.submit(
        {
          ...{ workflow: run.workflow, workspace: run.workspace, name: step, image, resources },
          ...{ command, environment: run.environment },
          secrets: run.secrets,
        },
        id,
      );
      tell([id]);
      const ended = await stoppable(run, id, signal);
      if (ended.state !== 'finished') {
        tell([], [id]);
        throw new ScailfinError(failure(step, ended));
      }
      finished.push(id);
      tell([]);
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

function failure(name: string, { state, exitCode, reason }: Step): string {
  if (state === 'stopped') return `step ${name} was stopped${reason ? `: ${reason}` : ''}`;
  const how = exitCode === undefined ? 'failed' : `ended with status ${exitCode}`;
  return `step ${name} ${how}${reason ? `: ${reason}` : ''}`;
}

/** All commands that are to run, parameters filled in. @throws UsageError for what can't be run, before anything is */
function commandsOf(run: EngineRun): Command[] {
  const { steps } = (run.specification.workflow.specification ?? {}) as { steps?: readonly SerialStep[] };
  if (!Array.isArray(steps) || steps.length === 0) throw new UsageError('the workflow has no steps');
  const named = steps.map((step, n) => ({ ...step, name: step.name ?? `step ${n + 1}` }));
  const [from, to] = range(named, run.options);
  return named.slice(from, to).flatMap(step =>
    step.commands.map((text: string, n: number) => ({
      id: stepId(run.workflow, `${named.indexOf(step)}.${n}`),
      step: step.name,
      image: step.environment ?? '',
      command: expand(text, run.parameters),
      resources: resourcesOf(step),
    })),
  );
}

/** FROM and TARGET name steps, in whatever case; from the first to behind the last to be run. */
function range(steps: readonly { readonly name: string }[], options: EngineRun['options']): [number, number] {
  const find = (option: 'FROM' | 'TARGET'): number | undefined => {
    const wanted = options[option];
    if (typeof wanted !== 'string' || wanted === '') return undefined;
    const index = steps.findIndex(step => step.name.toLowerCase() === wanted.toLowerCase());
    if (index >= 0) return index;
    throw new UsageError(`there is no step ${wanted} to be ${option === 'FROM' ? 'begun with' : 'ended with'}`, {
      hint: `the steps are ${steps.map(s => s.name).join(', ')}`,
    });
  };
  const [from, target] = [find('FROM') ?? 0, find('TARGET') ?? steps.length - 1];
  if (from <= target) return [from, target + 1];
  throw new UsageError(`step ${steps[from]?.name}, to begin with, comes after ${steps[target]?.name}, to end with`);
}

/**
 * What a step's hints say of its needs, whichever system they were written for.
 * @throws UsageError for a hint that can't be read
 */
export function resourcesOf(hints: Readonly<Record<string, unknown>>): StepResources {
  const memory = text(hints.kubernetes_memory_limit) ?? text(hints.c4p_memory_limit);
  const time = text(hints.htcondor_max_runtime) ?? text(hints.slurm_time) ?? text(hints.kubernetes_job_timeout);
  const cores = text(hints.c4p_cpu_cores) ?? text(hints.kubernetes_cpu_limit);
  return {
    ...(cores === undefined ? {} : { cores: Math.max(1, Math.ceil(number('cores', cores))) }),
    ...(memory === undefined ? {} : { memory: mebibytes(memory) }),
    ...(time === undefined ? {} : { time: seconds(time) }),
  };
}

const text = (value: unknown): string | undefined =>
  value === undefined || value === null || value === '' ? undefined : String(value);

function number(what: string, value: string): number {
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value);
  throw new UsageError(`${what}: ${JSON.stringify(value)} is no number`);
}

const factors: Readonly<Record<string, number>> = {
  ...{ '': 1 / 2 ** 20, k: 1e3 / 2 ** 20, M: 1e6 / 2 ** 20, G: 1e9 / 2 ** 20, T: 1e12 / 2 ** 20 },
  ...{ Ki: 2 ** -10, Mi: 1, Gi: 2 ** 10, Ti: 2 ** 20 },
};

/** Kubernetes' quantities: `512Mi`, `2G`, bytes where there is no unit. */
function mebibytes(quantity: string): number {
  const [, value, unit] = /^(\d+(?:\.\d+)?)(|k|M|G|T|Ki|Mi|Gi|Ti)$/.exec(quantity) ?? [];
  const factor = factors[unit ?? 'none'];
  if (value !== undefined && factor !== undefined) return Math.max(1, Math.ceil(Number(value) * factor));
  throw new UsageError(`memory: ${JSON.stringify(quantity)} is not understood`, { hint: 'write 512Mi or 2Gi' });
}

/** HTCondor's at CERN: seconds, or the name of a flavour (batchdocs.web.cern.ch, "Job Flavours"). */
const flavours: Readonly<Record<string, number>> = {
  ...{ espresso: 1200, microcentury: 3600, longlunch: 7200, workday: 28_800 },
  ...{ tomorrow: 86_400, testmatch: 259_200, nextweek: 604_800 },
};

function seconds(time: string): number {
  const value = flavours[time] ?? (/^\d+$/.test(time) ? Number(time) : parseDuration(time));
  if (value !== undefined) return value;
  throw new UsageError(`time: ${JSON.stringify(time)} is not understood`, { hint: 'write seconds, or such as 2h' });
}

/** A UUID that is always the same for the same place in the same run. */
export function stepId(workflow: string, place: string): string {
  const hex = createHash('sha256').update(join(workflow, place)).digest('hex');
  // RFC 9562, version 8: custom
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
