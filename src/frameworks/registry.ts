import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ScailfinError, UsageError } from '../errors.js';
import { hasFields } from '../fields.js';
import type { Config } from '../sites/settings.js';
import { dask } from './dask/index.js';
import type { FrameworkFacts, FrameworkSpec } from './facts.js';
import type { Framework, FrameworkOption, FrameworkRequest } from './framework.js';
import { htcondor } from './htcondor/index.js';
import { reana } from './reana/index.js';
import { spark } from './spark/index.js';
import { workqueue } from './workqueue/index.js';

/** All frameworks; the first is the default. A new one is a folder beside these, and a line here. */
export const frameworks: readonly Framework[] = [htcondor, reana, workqueue, dask, spark];

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
 * The framework that the command line asks for. @returns undefined for the bare pool @throws UsageError for options that
 * contradict each other
 */
export function planFramework(request: FrameworkRequest, config: Config): FrameworkSpec | undefined {
  const named = request.framework === undefined ? undefined : frameworkNamed(request.framework);
  const [given, ...others] = frameworks.flatMap(framework => {
    const option = framework.options.find(o => !o.isShared && request[keyOf(o)] !== undefined);
    return option ? [{ framework, option }] : [];
  });
  const other = named && given && named !== given.framework ? named : others[0]?.framework;
  if (given && other) {
    const instead = other === named ? `--framework ${other.name}` : `--${others[0]?.option.name}`;
    const what = other.service ? other.title : 'none';
    throw new UsageError(`--${given.option.name} asks for ${given.framework.title}, and ${instead} for ${what}`, {
      hint: 'leave one of them out',
    });
  }
  const asked = named ?? given?.framework;
  const stray = frameworkOptions.find(
    o => o.isShared && request[keyOf(o)] !== undefined && !asked?.options.some(own => own.name === o.name),
  );
  if (stray) throw belongsToOthers(stray, asked);
  return asked?.service && { name: asked.name, ...asked.plan(request, config) };
}

function belongsToOthers({ name }: FrameworkOption, asked: Framework | undefined): UsageError {
  const owners = frameworks.filter(f => f.options.some(o => o.name === name)).map(f => f.name);
  const what = asked?.service ? asked.title : 'the bare pool';
  return new UsageError(`--${name} is not for ${what}`, {
    hint: `leave it out, or give --framework ${owners.join('|')}`,
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

/** Whether a framework can be offered by a pool that is on loopback only, because nodes reach it by relays. */
export const worksWithRelay = (spec: FrameworkSpec): boolean => !frameworkNamed(spec.name).needsAddress?.(spec);

/** Removes files that are useless once a cluster is gone. @param folder the cluster's own directory on this machine */
export function forgetSecrets(folder: string): void {
  for (const name of frameworks.flatMap(f => f.secrets)) rmSync(join(folder, name), { force: true });
}
