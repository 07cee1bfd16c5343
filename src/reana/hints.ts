import { UsageError } from '../errors.js';
import { parseDuration } from '../units.js';
import type { StepResources } from './jobs/step.js';

/**
 * The resources that a step's hints ask for, whichever system they were written for.
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
  throw new UsageError(`${what}: ${JSON.stringify(value)} is not a number`);
}

const factors: Readonly<Record<string, number>> = {
  ...{ '': 1 / 2 ** 20, k: 1e3 / 2 ** 20, M: 1e6 / 2 ** 20, G: 1e9 / 2 ** 20, T: 1e12 / 2 ** 20 },
  ...{ Ki: 2 ** -10, Mi: 1, Gi: 2 ** 10, Ti: 2 ** 20 },
};

/** Kubernetes' quantities: `512Mi`, `2G`; a number without a unit is in bytes. */
function mebibytes(quantity: string): number {
  const [, value, unit] = /^(\d+(?:\.\d+)?)(|k|M|G|T|Ki|Mi|Gi|Ti)$/.exec(quantity) ?? [];
  const factor = factors[unit ?? 'none'];
  if (value !== undefined && factor !== undefined) return Math.max(1, Math.ceil(Number(value) * factor));
  throw new UsageError(`memory: ${JSON.stringify(quantity)} is not understood`, { hint: 'write 512Mi or 2Gi' });
}

/** The time of HTCondor at CERN: seconds, or the name of a flavour (batchdocs.web.cern.ch, "Job Flavours"). */
const flavours: Readonly<Record<string, number>> = {
  ...{ espresso: 1200, microcentury: 3600, longlunch: 7200, workday: 28_800 },
  ...{ tomorrow: 86_400, testmatch: 259_200, nextweek: 604_800 },
};

function seconds(time: string): number {
  const value = flavours[time] ?? (/^\d+$/.test(time) ? Number(time) : parseDuration(time));
  if (value !== undefined) return value;
  throw new UsageError(`time: ${JSON.stringify(time)} is not understood`, {
    hint: 'write seconds, or a time such as 2h',
  });
}
