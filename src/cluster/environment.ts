import { UsageError } from '../errors.js';
import { commandLine, quote } from '../shell.js';
import { poolDir } from './context.js';
import { Journal } from './journal.js';
import type { ClusterRecord, HeadFacts } from './record.js';
import { tokenFile } from './token.js';

/** A command as it runs on the headnode with the pool's environment. @throws UsageError when there is no pool yet */
export function poolCommand(record: ClusterRecord, argv: readonly string[]): string[] {
  const head = headOf(record);
  // settings for a site's own HTCondor that is on the same machine
  const forget = 'for name in $(env | sed -n "s/^\\(_CONDOR_[A-Za-z0-9_]*\\)=.*/\\1/p"); do unset "$name"; done';
  const enter = 'PATH=$1:$2:$PATH CONDOR_CONFIG=$3; export PATH CONDOR_CONFIG; shift 3; exec "$@"';
  return [
    'sh',
    '-c',
    `${forget}; ${enter}`,
    'sh',
    head.bin,
    head.sbin,
    `${poolDir(head.base, record.name)}/condor_config`,
    ...argv,
  ];
}

/**
 * Lines for `eval`.
 * @param port of this machine, leading to REANA where the cluster has it
 * @throws UsageError where neither pool nor REANA can be reached from this machine
 */
export function clusterExports(record: ClusterRecord, port: number | undefined): string {
  const head = headOf(record);
  const isHere = record.spec.headnode.kind === 'local';
  if (!isHere && record.reana === undefined) {
    throw new UsageError(`the pool of ${record.name} is on ${head.host}, not on this machine`, {
      hint: `scailfin exec ${record.name} -- COMMAND`,
    });
  }
  return [...(isHere ? poolExports(record, head) : []), ...reanaExports(record, port)].join('\n');
}

function poolExports(record: ClusterRecord, head: HeadFacts): string[] {
  const config = `CONDOR_CONFIG=${poolDir(head.base, record.name)}/condor_config`;
  return [`export ${commandLine([config])}`, `export PATH=${commandLine([`${head.bin}:${head.sbin}`])}:"$PATH"`];
}

/** What reana-client reads. The token stays in its file until the shell reads it. */
function reanaExports({ name, reana }: ClusterRecord, port: number | undefined): string[] {
  if (reana === undefined || port === undefined) return [];
  const token = `export REANA_ACCESS_TOKEN="$(cat ${quote(tokenFile(Journal.open(name).dir))})"`;
  const server = `export REANA_SERVER_URL=${reana.scheme}://127.0.0.1:${port}`;
  return [server, token];
}

function headOf(record: ClusterRecord): HeadFacts {
  if (record.head && record.state !== 'terminated') return record.head;
  throw new UsageError(`${record.name} has no pool: it is ${record.state}. ${record.reason}`, {
    hint: `scailfin status ${record.name}`,
  });
}
