import { formatMemory } from '../units.js';
import type { LoadedSite, SiteEntry } from './catalog.js';
import { flagDuration } from './limits.js';
import type { Measured } from './measured.js';
import type { QueueLimits, SiteProfile } from './schema.js';
import { table, wrap } from './table.js';

/** The text of `sites list`: one line per site, and the errors of broken files below. */
export function describeList(entries: readonly SiteEntry[]): string {
  const rows = entries.map(e => [e.name, e.status ?? 'broken', e.scheduler ?? '', e.origin, e.title ?? e.file]);
  const broken = entries.flatMap(e => (e.error === undefined ? [] : [e.error]));
  return [table([['NAME', 'STATUS', 'SCHEDULER', 'ORIGIN', 'TITLE'], ...rows]), ...broken].join('\n');
}

/** The text of `sites show`. */
export function describeSite({ profile, file }: LoadedSite, measured?: Measured): string {
  const facts: [string, string][] = [
    ['status', statusOf(profile)],
    ['login', loginOf(profile)],
    ['scheduler', schedulerOf(profile)],
    ['account', profile.account],
    ['launcher', profile.launcher],
    [
      'containers',
      profile.containers.map(c => (c.module ? `${c.runtime} (module ${c.module})` : c.runtime)).join(', '),
    ],
    ['node', nodeOf(profile.node)],
    ['directories', named(profile.directories)],
    ['steps see', profile.binds.join(', ')],
    ['network', networkOf(profile, measured)],
    ['headnode', profile.headnode ?? ''],
    ['file', file],
  ];
  const width = Math.max(...facts.map(([name]) => name.length)) + 2;
  const lines = facts
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `  ${name.padEnd(width)}${wrap(text, ' '.repeat(width + 2))}`);
  const parts = [`${profile.name}: ${profile.title}`, lines.join('\n')];
  if (Object.keys(profile.queues).length > 0) parts.push('', queuesOf(profile));
  if (profile.notes.length > 0) parts.push('', notesOf(profile));
  return parts.join('\n');
}

function statusOf(profile: SiteProfile): string {
  return profile.retired === undefined ? profile.status : `${profile.status} since ${profile.retired}`;
}

function loginOf({ login }: SiteProfile): string {
  if (!login) return 'not needed: the site is this machine';
  const port = login.port === undefined ? '' : ` port ${login.port}`;
  const auth = login.auth ? ` by ${login.auth.join(', ')}` : '';
  const more = [
    ...(login.certificates ? [`keys from ${login.certificates.sshproxy}`] : []),
    ...(login.delegate ? ['delegating a proxy'] : []),
    ...(login.transport ? [`spoken to by ${login.transport}`] : []),
  ];
  return [`${login.hosts.join(', ')}${port}${auth}${login.mfa ? ' (multi-factor)' : ''}`, ...more].join(', ');
}

function schedulerOf({ scheduler }: SiteProfile): string {
  return [
    scheduler.version === undefined ? scheduler.type : `${scheduler.type} ${scheduler.version}`,
    ...(scheduler.cluster === undefined ? [] : [`cluster ${scheduler.cluster}`]),
    ...(scheduler.queueOption === 'qos' ? ['queues are QOS'] : []),
    ...(scheduler.parallelEnvironment === undefined ? [] : [`-pe ${scheduler.parallelEnvironment}`]),
    ...(scheduler.nodesEnvironment === undefined ? [] : [`-pe ${scheduler.nodesEnvironment} for several nodes`]),
    ...scheduler.directives,
    ...(scheduler.arrays ? [] : ['no job arrays']),
    ...(scheduler.memory ? [] : ['no requests for memory']),
    ...(scheduler.gpus ? [] : ['no requests for GPUs']),
  ].join(', ');
}

function nodeOf({ cores, memory, gpus }: Pick<QueueLimits, 'cores' | 'memory' | 'gpus'>): string {
  const parts: string[] = [];
  if (cores !== undefined) parts.push(`${cores} cores`);
  if (memory !== undefined) parts.push(formatMemory(memory));
  if (gpus !== undefined) parts.push(gpus === 1 ? '1 GPU' : `${gpus} GPUs`);
  return parts.join(', ');
}

function named(record: Record<string, string | undefined>): string {
  return Object.entries(record)
    .flatMap(([name, text]) => (text === undefined ? [] : [`${name} ${text}`]))
    .join(', ');
}

function networkOf({ network }: SiteProfile, measured: Measured | undefined): string {
  const outbound = { true: 'compute nodes can reach the internet', false: "compute nodes can't reach the internet" };
  const outboundIs = network.outbound ?? measured?.outbound;
  const known =
    outboundIs === undefined ? 'not known whether compute nodes can reach the internet' : outbound[`${outboundIs}`];
  return [
    measured ? `${known} (found on ${measured.node} by sites check, ${measured.date})` : known,
    ...(network.proxy === undefined ? [] : [`HTTP by the proxy ${network.proxy}`]),
    ...(network.noProxy.length === 0 ? [] : [`but without it to ${network.noProxy.join(' ')}`]),
    ...(network.loginAddress === undefined ? [] : [`login node at ${network.loginAddress}`]),
  ].join(', ');
}

function queuesOf(profile: SiteProfile): string {
  const rows = Object.entries(profile.queues).map(([name, q]) => [
    q.default ? `${name} *` : name,
    q.walltime === undefined ? '-' : flagDuration(q.walltime),
    String(q.nodes ?? '-'),
    String(q.jobs ?? '-'),
    nodeOf({
      cores: q.cores ?? profile.node.cores,
      memory: q.memory ?? profile.node.memory,
      gpus: q.gpus ?? profile.node.gpus,
    }) || '-',
    [
      ...(q.name === undefined ? [] : [`at the site: ${q.name}`]),
      ...(q.shared ? ['shared'] : []),
      ...(q.minNodes === undefined ? [] : [`jobs of at least ${q.minNodes} nodes`]),
      ...(q.nodesPerJob === undefined ? [] : [`usually ${q.nodesPerJob} nodes per job`]),
      ...(q.directives ?? []),
      ...(q.note === undefined ? [] : [q.note]),
    ].join('; '),
  ]);
  const head = ['QUEUE', 'WALLTIME', 'NODES', 'JOBS', 'EACH NODE', 'REMARKS'];
  return `${table([head, ...rows], '  ')}\n  (* unless --queue says otherwise)`;
}

function notesOf(profile: SiteProfile): string {
  return profile.notes.map(n => `  - ${wrap(n.text, '    ')}\n    ${n.source}, ${n.date}`).join('\n');
}
