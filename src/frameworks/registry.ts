import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ScailfinError, UsageError } from '../errors.js';
import { hasFields } from '../fields.js';
import type { Config } from '../sites/settings.js';
import { dask } from './dask/index.js';
import type { FrameworkFacts, FrameworkSpec } from './facts.js';
import type { Framework, FrameworkOption, FrameworkRequest } from './framework.js';
import { htcondor } from './htcondor/index.js';
import { jupyter } from './jupyter/index.js';
import { parsl } from './parsl/index.js';
import { reana } from './reana/index.js';
import { spark } from './spark/index.js';
import { workqueue } from './workqueue/index.js';

/** All frameworks; the first is the default. A new one is a folder beside these, and a line here. */
export const frameworks: readonly Framework[] = [htcondor, reana, workqueue, dask, spark, parsl, jupyter];

/** Frameworks that run something on the headnode in addition to the pool. */
export const services = frameworks.filter(framework => framework.service !== undefined);

/** The options of all frameworks; one that several share is listed once. */
export const frameworkOptions: readonly FrameworkOption[] = [
  ...new Map(frameworks.flatMap(f => f.options).map(option => [option.name, option])).values(),
];

/** @throws ScailfinError for a framework that only a newer scailfin knows */
export function frameworkNamed(name: string): Framework {
  const framework = frameworks.find(f => f.name === name);
  if (framework) return framework;
  throw new ScailfinError(`this scailfin knows no framework called ${JSON.stringify(name)}`, {
    hint: 'use the scailfin that made the cluster, or a newer one',
  });
}

/**
 * The frameworks that the command line asks for, in the order of the registry. @returns none for the bare pool
 * @throws UsageError for options that contradict each other
 */
export function planFrameworks(request: FrameworkRequest, config: Config): readonly FrameworkSpec[] {
  const named = request.framework?.map(frameworkNamed);
  const given = frameworks.flatMap(framework => {
    const option = framework.options.find(o => !o.isShared && request[keyOf(o)] !== undefined);
    return option ? [{ framework, option }] : [];
  });
  const asked = services.filter(f => named?.includes(f) ?? given.some(g => g.framework === f));
  const other = given.find(g => !asked.includes(g.framework));
  if (other) {
    const [name, all] = [other.framework.name, asked.map(f => f.name).join(',')];
    throw new UsageError(
      `--${other.option.name} asks for ${other.framework.title}, and --framework ${all || frameworks[0]?.name} for ${titles(asked) || 'none'}`,
      { hint: `leave one of them out, or ask for ${all ? 'both' : 'it'}: --framework ${all ? `${all},` : ''}${name}` },
    );
  }
  const stray = frameworkOptions.find(
    o => o.isShared && request[keyOf(o)] !== undefined && !asked.some(f => hasOption(f, o)),
  );
  if (stray) throw belongsToOthers(stray, asked);
  return asked.map(framework => ({ name: framework.name, ...framework.plan(ownOf(framework, request), config) }));
}

const titles = (some: readonly Framework[]): string => some.map(f => f.title).join(' and ');

const hasOption = (framework: Framework, { name }: FrameworkOption): boolean =>
  framework.options.some(own => own.name === name);

/** The part of a request that a framework understands: an option that others share may not be one of its own. */
function ownOf(framework: Framework, request: FrameworkRequest): FrameworkRequest {
  const foreign = frameworkOptions.filter(o => !hasOption(framework, o)).map(keyOf);
  return Object.fromEntries(Object.entries(request).filter(([key]) => !foreign.includes(key)));
}

function belongsToOthers(option: FrameworkOption, asked: readonly Framework[]): UsageError {
  const owners = frameworks.filter(f => hasOption(f, option)).map(f => f.name);
  return new UsageError(`--${option.name} is not for ${titles(asked) || 'the bare pool'}`, {
    hint: `leave it out, or give --framework ${[...asked.map(f => f.name), owners.join('|')].join(',')}`,
  });
}

/** `reana-image` → `reanaImage`, the name that the command line's parser uses. */
const keyOf = ({ name }: FrameworkOption): string => name.replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());

/**
 * Whether a value from a journal has the fields of a framework's facts. A framework that only a newer scailfin knows is
 * not checked.
 */
export function isFacts(value: unknown): value is FrameworkFacts {
  if (!hasFields(value, { name: 'string', port: 'number' })) return false;
  return hasFields(value, frameworks.find(f => f.name === value.name)?.facts ?? {});
}

/** What to ask for instead of those that a pool can't offer that is on loopback only, because nodes reach it by relays. */
export const insteadWithRelay = (all: readonly FrameworkSpec[]): readonly string[] =>
  all.flatMap(spec => frameworkNamed(spec.name).needsAddress?.(spec) ?? []);

/** Removes files that are useless once a cluster is gone. @param folder the cluster's own directory on this machine */
export function forgetSecrets(folder: string): void {
  for (const name of frameworks.flatMap(f => f.secrets)) rmSync(join(folder, name), { force: true });
}
