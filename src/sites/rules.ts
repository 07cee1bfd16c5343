import { scriptProblem } from '../schedulers/ownoptions.js';
import { findScheduler, schedulerFor, schedulerNames } from '../schedulers/registry.js';
import type { ProfileKey, Scheduler } from '../schedulers/scheduler.js';
import type { Path } from './shape.js';
import { type Finding, valueAt } from './wording.js';
import type { Rule } from './yaml.js';

/** Conditions between the keys of a profile. Each rule reads raw data, and ignores what the schema refuses. */
export const profileRules: readonly Rule[] = [
  loginUnlessHere,
  oneDefaultQueue,
  coresOfSharedQueues,
  directives,
  headnode,
  optionsOfOneScheduler,
  accountNeedsAScheduler,
  retirement,
  delegation,
];

const typeOf = (root: unknown): unknown => valueAt(root, ['scheduler', 'type']);

/** Undefined if the profile names no known scheduler. */
function schedulerOf(root: unknown): Scheduler | undefined {
  const type = typeOf(root);
  return typeof type === 'string' ? findScheduler(type) : undefined;
}

function entries(root: unknown, path: Path): [string, unknown][] {
  const value = valueAt(root, path);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

function* loginUnlessHere(root: unknown): Iterable<Finding> {
  const type = typeOf(root);
  const login = valueAt(root, ['login']);
  const isThisMachine = schedulerOf(root)?.isThisMachine ?? false;
  if (typeof type === 'string' && !isThisMachine && login === undefined) {
    yield {
      path: ['scheduler', 'type'],
      at: 'value',
      message: `a site with the scheduler ${type} needs "login" with the hosts to log in to`,
    };
  }
  if (isThisMachine && login !== undefined) {
    yield { path: ['login'], at: 'key', message: `the scheduler ${type} means this machine; remove "login"` };
  }
}

function* oneDefaultQueue(root: unknown): Iterable<Finding> {
  const chosen = entries(root, ['queues'])
    .map(([name]) => name)
    .filter(name => valueAt(root, ['queues', name, 'default']) === true);
  for (const name of chosen.slice(1)) {
    const message = `only one queue can be the default, and ${chosen[0]} is it already`;
    yield { path: ['queues', name, 'default'], at: 'value', message };
  }
}

/** A queue may have larger nodes than usual, but a share of a node can't be larger than the node. */
function* coresOfSharedQueues(root: unknown): Iterable<Finding> {
  for (const [name] of entries(root, ['queues'])) {
    const path = ['queues', name, 'cores'];
    const [cores, node] = [valueAt(root, path), valueAt(root, ['node', 'cores'])];
    if (valueAt(root, ['queues', name, 'shared']) !== true) continue;
    if (typeof cores === 'number' && typeof node === 'number' && cores > node) {
      const message = `a job that shares a node can't have ${cores} cores: node.cores says nodes have ${node}`;
      yield { path, at: 'value', message };
    }
  }
}

function* directives(root: unknown): Iterable<Finding> {
  if (typeof typeOf(root) !== 'string') return;
  const problem = schedulerOf(root)?.directiveProblem ?? scriptProblem;
  const lists: Path[] = [
    ['scheduler', 'directives'],
    ...entries(root, ['queues']).map(([q]) => ['queues', q, 'directives']),
  ];
  for (const list of lists) {
    const value = valueAt(root, list);
    if (!Array.isArray(value)) continue;
    for (const [index, directive] of value.entries()) {
      const why = typeof directive === 'string' ? problem(directive) : undefined;
      if (why) yield { path: [...list, index], at: 'value', message: `the directive "${directive}" ${why}` };
    }
  }
}

function* headnode(root: unknown): Iterable<Finding> {
  const value = valueAt(root, ['headnode']);
  if (typeof value !== 'string') return;
  if (value === 'login' && valueAt(root, ['login']) === undefined) {
    yield { path: ['headnode'], at: 'value', message: 'headnode is "login", but the profile has no login' };
  } else if (!isHeadnode(value)) {
    yield { path: ['headnode'], at: 'value', message: `headnode must be local, login or [user@]host, not "${value}"` };
  }
}

/** `local`, `login` or `[user@]host`; a host that begins with `-` would be interpreted as an option. */
export function isHeadnode(value: string): boolean {
  return /^([A-Za-z0-9_][\w.+-]*@)?([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])$/.test(value);
}

function* optionsOfOneScheduler(root: unknown): Iterable<Finding> {
  const type = typeOf(root);
  const keys: ProfileKey[] = ['queueOption', 'parallelEnvironment', 'nodesEnvironment', 'cluster'];
  for (const key of keys) {
    const path = ['scheduler', key];
    const owners = schedulerNames.filter(name => schedulerFor(name).profileKeys?.includes(key));
    if (valueAt(root, path) === undefined || typeof type !== 'string' || owners.some(owner => owner === type)) continue;
    yield { path, at: 'key', message: `"${key}" is only for the scheduler ${owners.join(' and ')}; remove it` };
  }
}

function* accountNeedsAScheduler(root: unknown): Iterable<Finding> {
  if (!schedulerOf(root)?.isThisMachine || valueAt(root, ['account']) !== 'required') return;
  const message = `the scheduler ${typeOf(root)} has no accounts; write account: none`;
  yield { path: ['account'], at: 'value', message };
}

function* retirement(root: unknown): Iterable<Finding> {
  if (valueAt(root, ['retired']) === undefined || valueAt(root, ['status']) === 'retired') return;
  yield { path: ['retired'], at: 'key', message: 'a date of retirement needs status: retired' };
}

function* delegation(root: unknown): Iterable<Finding> {
  const auth = valueAt(root, ['login', 'auth']);
  if (valueAt(root, ['login', 'delegate']) !== true) return;
  if (Array.isArray(auth) && auth.includes('gssapi-gsi')) return;
  yield {
    path: ['login', 'delegate'],
    at: 'key',
    message: 'only a login with gssapi-gsi can delegate a proxy; add it to "auth"',
  };
}
