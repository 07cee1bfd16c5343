import { UsageError } from '../../errors.js';
import { formatMemory, parseDuration, parseMemory } from '../../units.js';
import type { FrameworkOption, FrameworkRequest } from '../framework.js';

/** The workers that a framework has as jobs of the pool: how many, and what each gets of its node. */
export interface Workers {
  readonly count: number;
  readonly cores: number;
  /** MiB. */
  readonly memory: number;
  /** Seconds after which workers leave their nodes if nobody uses the framework; 0: never. */
  readonly idle: number;
  /** The image in which they run; absent: on the nodes as they are. */
  readonly image?: string;
}

/** What was asked for; the rest is as it was before, or has a default. */
export type WorkersSpec = Partial<Workers>;

const DEFAULTS = { count: 1, cores: 1, memory: 1024, idle: 600 };

export const withDefaults = (spec: WorkersSpec): Workers => ({ ...DEFAULTS, ...spec });

/** The options of every framework that has workers. Giving one of them selects no framework. */
export const workerOptions: readonly FrameworkOption[] = [
  { name: 'workers', value: '<n>', help: 'of the framework: how many workers; default: 1', isShared: true },
  { name: 'worker-cores', value: '<n>', help: 'cores of each worker; default: 1', isShared: true },
  { name: 'worker-memory', value: '<size>', help: 'memory of each worker, such as 4G; default: 1G', isShared: true },
  {
    ...{ name: 'worker-idle', value: '<time>', isShared: true },
    help: 'how long workers keep their nodes if nobody uses them, such as 30m, or never; default: 10m',
  },
  {
    ...{ name: 'worker-image', value: '<image>', isShared: true },
    help: 'the container image in which workers run; default: none, they run on the nodes as they are',
  },
];

/** @throws UsageError for anything but whole numbers */
export function planWorkers(request: FrameworkRequest): WorkersSpec {
  const image = request.workerImage;
  if (image !== undefined && !/^[A-Za-z0-9/][\w./:@+~-]*$/.test(String(image)))
    throw new UsageError(`--worker-image ${JSON.stringify(image)} is not the name of an image`, {
      hint: 'give one such as docker.io/library/python:3.12, or the path of a file on the nodes',
    });
  return {
    ...whole('count', 'workers', request.workers, 0),
    ...whole('cores', 'worker-cores', request.workerCores, 1),
    ...memoryOf(request.workerMemory),
    ...idleOf(request.workerIdle),
    ...(image === undefined ? {} : { image: String(image) }),
  };
}

/** A number without a unit is in MiB. */
function memoryOf(given: unknown): WorkersSpec {
  if (given === undefined) return {};
  const memory = /^[1-9]\d{0,7}$/.test(String(given)) ? Number(given) : parseMemory(String(given));
  if (memory !== undefined) return { memory };
  throw new UsageError(`--worker-memory ${JSON.stringify(given)} is not an amount of memory`, {
    hint: 'give one, for example: --worker-memory 4G',
  });
}

function idleOf(given: unknown): WorkersSpec {
  if (given === undefined) return {};
  const idle = given === 'never' ? 0 : parseDuration(String(given));
  if (idle !== undefined) return { idle };
  throw new UsageError(`--worker-idle ${JSON.stringify(given)} is not a time`, {
    hint: 'give one, for example: --worker-idle 30m; or never',
  });
}

function whole(key: 'count' | 'cores', option: string, given: unknown, least: number): WorkersSpec {
  if (given === undefined) return {};
  const number = Number(given);
  if (/^\d{1,7}$/.test(String(given)) && number >= least) return { [key]: number };
  throw new UsageError(`--${option} ${JSON.stringify(given)} is not a whole number of at least ${least}`, {
    hint: `give one, for example: --${option} 4`,
  });
}

/** For a framework with workers: another number or size of them is no other cluster. */
export const changeable = {
  differences: (): readonly string[] => [],
  merged: <S extends { readonly workers: WorkersSpec }>(there: S, asked: S): S => ({
    ...{ ...there, ...asked },
    workers: { ...there.workers, ...asked.workers },
  }),
};

/** `1 worker`, `2 workers` */
export const manyWorkers = (count: number): string => `${count} worker${count === 1 ? '' : 's'}`;

/** The workers in a few words. */
export function describeWorkers(spec: WorkersSpec): string {
  const { count, cores, memory, image } = withDefaults(spec);
  const many = `${manyWorkers(count)}${spec.count === undefined ? ' (or as many as before)' : ''}`;
  const where = image === undefined ? '' : ` in ${image}`;
  return `${many} of ${cores} core${cores === 1 ? '' : 's'} and ${formatMemory(memory)}${where}`;
}
