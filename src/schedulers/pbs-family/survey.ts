import { SchedulerError } from '../../errors.js';
import { parseDuration } from '../../units.js';
import type { Output } from '../job.js';
import { known, limit, type NodeSize, type QueueInfo, type Survey, usualSize } from '../survey.js';

/** A line or two per node; the full output for thousands of nodes would be megabytes. */
const NODES =
  "pbsnodes -a | grep -E '^[^ ]|^ *(np|resources_available\\.(ncpus|mem)) = |physmem=' | sed 's/^ *status = .*physmem=\\([^,]*\\).*/     physmem = \\1/'";

/**
 * Neither system can test a job without submitting it.
 * @param parseVersion the version in the output of `qstat --version`; undefined for another system's
 */
export function surveyOf(title: string, parseVersion: Survey['version']['parse']): Survey {
  return {
    title,
    programs: ['qsub', 'qstat', 'qselect', 'qdel'],
    version: { command: { argv: ['qstat', '--version'] }, parse: parseVersion },
    node: { command: { argv: ['sh', '-c', NODES] }, parse: nodes },
    queues: { commands: [{ argv: ['qstat', '-Q', '-f'] }, { argv: ['qstat', '-B', '-f'] }], parse },
  };
}

function nodes(out: Output): NodeSize {
  const sizes = out.stdout.split(/\n(?=\S)/).map(text => {
    const value = (key: string): string | undefined => new RegExp(`^ *${key} = (\\S+)`, 'm').exec(text)?.[1];
    const kib = /^(\d+)kb$/.exec(value('resources_available\\.mem') ?? value('physmem') ?? '')?.[1];
    return known({
      cores: limit(value('resources_available\\.ncpus') ?? value('np')),
      memory: kib === undefined ? undefined : Math.floor(Number(kib) / 1024),
    });
  });
  return usualSize(sizes.filter(size => 'cores' in size));
}

function parse([queues, server]: readonly Output[]): QueueInfo[] {
  if (queues?.exitCode !== 0) {
    const said = queues?.stderr.trim().split('\n').slice(-3).join('; ');
    throw new SchedulerError(`qstat could not list the queues: ${said || 'no answer'}`);
  }
  const usual = /^[ \t]*default_queue = (\S+)/m.exec(server?.stdout ?? '')?.[1];
  return queues.stdout
    .replaceAll('\n\t', '')
    .split(/^Queue: /m)
    .slice(1)
    .map(text => queueOf(text, usual));
}

function queueOf(text: string, usual: string | undefined): QueueInfo {
  const name = text.slice(0, text.indexOf('\n')).trim();
  const values = new Map(
    [...text.matchAll(/^[ \t]+([\w.]+) = (.*)$/gm)].map(m => [m[1] as string, (m[2] as string).trim()]),
  );
  const is = (key: string): boolean => values.get(key)?.toLowerCase() === 'true';
  const words = [
    ...(is('enabled') ? [] : ['disabled']),
    ...(is('started') ? [] : ['stopped']),
    ...(is('from_route_only') ? ['only by routing'] : []),
    ...(is('acl_user_enable') ? [`only for ${values.get('acl_users') ?? 'some'}`] : []),
    ...(is('acl_group_enable') ? [`only for groups ${values.get('acl_groups') ?? 'some'}`] : []),
  ];
  return {
    ...{ name, default: name === usual, open: is('enabled') && !is('from_route_only'), shared: true },
    ...known({
      word: words.length > 0 ? words.join(', ') : undefined,
      walltime: parseDuration(values.get('resources_max.walltime') ?? ''),
      nodes: limit(values.get('resources_max.nodect')) ?? limit(values.get('resources_max.nodes')),
      jobs: jobsOf(values),
    }),
  };
}

/** Torque prints a number, PBS `[u:PBS_GENERIC=2]`. */
function jobsOf(values: ReadonlyMap<string, string>): number | undefined {
  return (
    limit(values.get('max_user_queuable')) ??
    limit(/\[u:PBS_GENERIC=(\d+)\]/.exec(values.get('max_queued') ?? '')?.[1]) ??
    limit(/\[u:PBS_GENERIC=(\d+)\]/.exec(values.get('max_run') ?? '')?.[1])
  );
}
