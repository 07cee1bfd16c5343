import { UsageError } from '../errors.js';
import { commandLine, quote } from '../shell.js';
import { poolDir } from './context.js';
import type { Offer } from './framework.js';
import { isOnThisMachine } from './machines.js';
import type { ClusterRecord, HeadFacts } from './record.js';

/**
 * A command that runs on the headnode in the environment of the pool and of its frameworks.
 * @param first the framework whose programs are found before those of the others, such as its `python3`; absent: the cluster's first
 * @throws UsageError if there is no pool yet
 */
export function poolCommand(record: ClusterRecord, argv: readonly string[], first?: string): string[] {
  const head = headOf(record);
  const dir = poolDir(head.base, record.name);
  // settings for a site's own HTCondor on the same machine
  const forget = 'for name in $(env | sed -n "s/^\\(_CONDOR_[A-Za-z0-9_]*\\)=.*/\\1/p"); do unset "$name"; done';
  const enter = 'PATH=$1:$2:$PATH CONDOR_CONFIG=$3; export PATH CONDOR_CONFIG';
  // what the cluster's frameworks say to programs on the headnode: each puts its programs before those of the last one
  const names = record.frameworks.map(f => f.name).reverse();
  const files = [...names, ...(first === undefined ? [] : [first])].map(name => `${dir}/env/${name}.env`);
  const more = `for name in ${commandLine(files)}; do [ ! -r "$name" ] || . "$name"; done; unset name; shift 3; exec "$@"`;
  return ['sh', '-c', `${forget}; ${enter}; ${more}`, 'sh', head.bin, head.sbin, `${dir}/condor_config`, ...argv];
}

/** What a cluster offers, with the local port that is forwarded to it; undefined if it can't be reached. */
export interface LocalOffer extends Offer {
  readonly port: number | undefined;
}

/**
 * Lines for `eval`.
 * @param offers what the cluster has in addition to its pool
 * @throws UsageError if the pool is on another machine, and nothing else is offered
 */
export function clusterExports(record: ClusterRecord, offers: readonly LocalOffer[]): string {
  const head = headOf(record);
  const isHere = record.spec.headnode.kind === 'local' && isOnThisMachine(record);
  if (!isHere && offers.length === 0) {
    throw new UsageError(`the pool of ${record.name} is on ${head.host}, not on this machine`, {
      hint: `scailfin exec ${record.name} -- COMMAND`,
    });
  }
  return [...(isHere ? poolExports(record, head) : []), ...offers.flatMap(serviceExports)].join('\n');
}

function poolExports(record: ClusterRecord, head: HeadFacts): string[] {
  const config = `CONDOR_CONFIG=${poolDir(head.base, record.name)}/condor_config`;
  return [`export ${commandLine([config])}`, `export PATH=${commandLine([`${head.bin}:${head.sbin}`])}:"$PATH"`];
}

/** The variables of a framework. A secret stays in its file until the shell reads it. */
function serviceExports({ service, facts, here, port }: LocalOffer): string[] {
  const variables = port === undefined ? [] : service.env(facts, here, port);
  return variables.map(v => `export ${v.name}=${'file' in v ? `"$(cat ${quote(v.file)})"` : quote(v.value)}`);
}

function headOf(record: ClusterRecord): HeadFacts {
  if (record.head && record.state !== 'terminated') return record.head;
  throw new UsageError(`${record.name} has no pool: it is ${record.state}. ${record.reason}`, {
    hint: `scailfin status ${record.name}`,
  });
}
