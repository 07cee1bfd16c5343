import { Document, isMap, isScalar, type Pair, type YAMLMap } from 'yaml';
import type { QueueInfo } from '../schedulers/survey.js';
import { flagDuration, flagMemory } from '../sites/limits.js';
import type { Found } from './facts.js';
import { outboundOf } from './outbound.js';
import type { Context } from './stage.js';

type Comments = [path: readonly string[], text: string][];

/**
 * A site profile from the facts found so far. A comment marks what was guessed; unknown keys are left out, which is
 * possible for all but name, title, login and scheduler.
 */
export function propose(context: Context): string {
  const { facts, patient, options } = context;
  const { scheduler, version } = facts.get('batch');
  const { name } = patient;
  const found = facts.find('found');
  const queues = facts.get('queues').filter(q => q.open);
  const node = nodeOf(context, found);
  const environment = queues.find(q => q.parallelEnvironment !== undefined)?.parallelEnvironment;
  const values = {
    name,
    title: patient.login?.hosts[0] ?? name,
    login: { ...patient.login, ...(patient.user === undefined ? {} : { user: patient.user }) },
    scheduler: {
      type: scheduler.name,
      version,
      ...(environment === undefined ? {} : { parallelEnvironment: environment }),
    },
    ...(queues.length === 0 ? {} : { queues: queuesOf(queues) }),
    account: options.account === undefined ? 'optional' : 'required',
    ...(found && found.runtimes.length > 0 ? { containers: found.runtimes.map(containerOf) } : {}),
    directories: directoriesOf(context),
    ...(Object.keys(node).length === 0 ? {} : { node }),
    ...networkOf(context, found),
  };
  const document = new Document(values);
  document.commentBefore = [
    ` Proposed by scailfin sites check ${patient.typed}, from the facts found there.`,
    ' Check the lines that say "guessed"; all other lines come from the site itself.',
  ].join('\n');
  for (const [path, text] of comments(context, queues, scheduler.survey.title)) comment(document, path, text);
  for (const key of ['queues', 'node']) flowBelow(document, key);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function queuesOf(queues: readonly QueueInfo[]): Record<string, object> {
  return Object.fromEntries(
    queues.map(({ name, walltime, nodes, jobs, shared, gpus, ...queue }) => [
      name,
      {
        ...(walltime === undefined ? {} : { walltime: flagDuration(walltime) }),
        ...(nodes === undefined ? {} : { nodes }),
        ...(jobs === undefined ? {} : { jobs }),
        ...(queue.default ? { default: true } : {}),
        ...(shared ? { shared: true } : {}),
        ...(gpus === undefined ? {} : { gpus }),
      },
    ]),
  );
}

/** The size of a node in the batch system, because a machine has more memory than most batch systems give. */
function nodeOf({ facts }: Context, found: Found | undefined): Record<string, unknown> {
  const told = facts.get('node');
  const cores = told.cores ?? found?.machine.usableCores;
  const memory = told.memory ?? found?.allocation.memory;
  // several cores need a parallel environment in Grid Engine
  const needsOne = facts.get('batch').scheduler.profileKeys?.includes('parallelEnvironment');
  const canHave = !needsOne || facts.get('queues').some(q => q.parallelEnvironment !== undefined);
  return {
    ...(cores && canHave ? { cores } : {}),
    ...(memory ? { memory: flagMemory(memory) } : {}),
    ...(found && found.gpus.length > 0 ? { gpus: found.gpus.length } : {}),
  };
}

function containerOf({ runtime, module }: Found['runtimes'][number]): object {
  return { runtime, ...(module === undefined ? {} : { module }) };
}

function directoriesOf({ facts }: Context): Record<string, string> {
  const scratch = facts.get('shell').scratch;
  return { work: '$HOME/.scailfin', ...(scratch === '' ? {} : { scratch: '$SCRATCH' }) };
}

function networkOf({ facts }: Context, found: Found | undefined): { network?: object; headnode?: string } {
  if (!found) return {};
  const isOut = outboundOf(found);
  const proxy = found.urls.flatMap(u =>
    u.proxied ? (/(https?:\/\/[A-Za-z0-9.-]+:\d{1,5})\/?$/.exec(u.words)?.[1] ?? []) : [],
  )[0];
  const inside = found.login.find(r => r.answers)?.to.split(' ')[0];
  const isReached = facts.get('headnode').addresses.length === 0 || found.headnode.some(r => r.answers);
  return {
    network: {
      ...(isOut === undefined ? {} : { outbound: isOut }),
      ...(proxy === undefined ? {} : { proxy }),
      ...(inside === undefined ? {} : { loginAddress: inside }),
    },
    ...(isReached ? {} : { headnode: 'login' }),
  };
}

function comments({ facts, patient }: Context, queues: readonly QueueInfo[], system: string): Comments {
  const found = facts.find('found');
  const from = found ? `as found on ${found.node}` : 'guessed; sites check --deep asks a node';
  const told = facts.get('node').cores !== undefined ? `as ${system} reports it` : from;
  const hasDefault = queues.some(q => q.default);
  return [
    [['title'], "guessed: write the site's own name"],
    ...(patient.user === undefined ? [] : ([[['login', 'user'], 'yours']] as Comments)),
    [['scheduler', 'parallelEnvironment'], 'guessed: one of the environments that keep a job on one node'],
    [['queues'], queuesComment(hasDefault, queues)],
    [['account'], 'guessed: required, optional or none'],
    [['containers'], `on ${found?.node ?? 'a node'}; the first is taken`],
    [
      ['directories', 'work'],
      found?.work === 'same' ? 'compute nodes can see it, too' : 'guessed: compute nodes must see it, too',
    ],
    [['node'], told],
    [['network'], from],
    [
      ['headnode'],
      "compute nodes could not reach this machine; without this line, a relay on the login node carries the pool's traffic",
    ],
  ];
}

function queuesComment(hasDefault: boolean, queues: readonly QueueInfo[]): string {
  const mark = hasDefault ? '' : '; add "default: true" to the queue that is used without --queue';
  return `${queues.some(q => q.shared) ? 'guessed: shared' : 'limits as the site tells them'}${mark}`;
}

/** Puts a comment line above a key, if the key exists. */
function comment(document: Document, path: readonly string[], text: string): void {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return;
  const pair = (parent as YAMLMap).items.find(p => keyOf(p) === path.at(-1));
  if (pair && isScalar(pair.key)) pair.key.commentBefore = ` ${text}`;
}

const keyOf = ({ key }: Pair): unknown => (isScalar(key) ? key.value : key);

/** Writes each group inside a group on one line. */
function flowBelow(document: Document, key: string): void {
  const group = document.get(key, true);
  if (!isMap(group)) return;
  if (key === 'node') group.flow = true;
  else for (const { value } of group.items) if (isMap(value)) value.flow = true;
}
