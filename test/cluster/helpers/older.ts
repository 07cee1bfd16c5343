import type { Entry } from '../../../src/cluster/record.js';
import type { HostName, Lab } from '../../lab/lab.js';

/** Makes a cluster's journal what the first scailfin wrote, before frameworks were a port. */
export async function asOlder(lab: Lab, host: HostName, cluster: string): Promise<void> {
  const file = `.local/state/scailfin/clusters/${cluster}/journal.jsonl`;
  const lines = (await lab.read(host, file)).split('\n').filter(Boolean);
  const older = lines.map(line => `\n${JSON.stringify(olderEntry(JSON.parse(line)))}`);
  await lab.write(host, file, older.join(''));
}

function olderEntry(entry: Entry): object {
  if (entry.type === 'framework') {
    const { name, ...facts } = entry.framework;
    return { at: entry.at, type: name, [name]: facts };
  }
  // the entry may be in the older form already
  if (entry.type !== 'created' || !('frameworks' in entry.spec)) return entry;
  const { frameworks, ...spec } = entry.spec;
  const { format: _, ...first } = entry;
  return { ...first, spec: { ...spec, ...Object.fromEntries(frameworks.map(({ name, ...asked }) => [name, asked])) } };
}
