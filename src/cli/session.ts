import { Connections } from '../cluster/connections.js';
import type { Context } from '../cluster/context.js';
import { dependences, warnOf } from '../cluster/credentials.js';
import type { EventSink } from '../cluster/events.js';
import { allRecords, Journal } from '../cluster/journal.js';
import { checkName } from '../cluster/names.js';
import type { ClusterRecord } from '../cluster/record.js';
import { ScailfinError, UsageError, withHint } from '../errors.js';
import type { Transport } from '../hosts/target.js';
import type { Ui } from './ui.js';

/**
 * Opens the connections that a command on a cluster needs, as its flags say, and closes them however the command ends.
 */
export async function withCluster<T>(
  ui: Ui,
  name: string,
  { transport }: { readonly transport?: Transport },
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const connections = new Connections(ui.prompter(), { transport, onNote: text => ui.say(text) });
  try {
    const [journal, sink] = [Journal.open(name), await ui.sink()];
    warn(journal.record, sink);
    return await work({ journal, connections, sink });
  } catch (error) {
    // a command that failed on a host says why, but not what to type next
    if (!(error instanceof ScailfinError) || error.hint !== undefined) throw error;
    throw withHint(error, `once that is mended, run the same command again; what there is: scailfin status ${name}`);
  } finally {
    await connections.close();
  }
}

/** Every command on a cluster warns about what will soon stop it. */
function warn(record: ClusterRecord | undefined, sink: EventSink): void {
  if (!record || record.state === 'terminated') return;
  const specs = record.sites.map(s => s.spec);
  for (const dependence of dependences(record.spec, specs)) warnOf(dependence, sink);
}

/** Finds the cluster that is meant: the one named, or the only one there is. @throws UsageError */
export function pickRecord(name: string | undefined): ClusterRecord {
  if (name !== undefined) {
    const record = Journal.open(checkName(name)).record;
    if (record) return record;
    throw new UsageError(`this machine knows no cluster called ${name}`, { hint: hintOf(known()) });
  }
  const names = known();
  const only = names.length === 1 ? Journal.open(names[0] as string).record : undefined;
  if (only) return only;
  const what = names.length === 0 ? 'there is no cluster' : `there are several clusters: ${names.join(', ')}`;
  throw new UsageError(what, { hint: names.length === 0 ? hintOf(names) : 'name one of them' });
}

const known = (): string[] => allRecords().flatMap(r => (r.state === 'terminated' ? [] : [r.name]));

const hintOf = (names: string[]): string =>
  names.length === 0
    ? 'start one: scailfin up --site SITE (scailfin sites list shows the sites)'
    : `clusters on this machine: ${names.join(', ')}`;
