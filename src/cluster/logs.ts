import { runScript } from '../hosts/script.js';
import { ownId } from '../schedulers/job.js';
import { templateText } from '../templates.js';
import type { Connections } from './connections.js';
import { poolDir, siteDir } from './context.js';
import { headHost, siteHost } from './machines.js';
import type { ClusterRecord } from './record.js';

export type LogPart = { readonly part: 'headnode' } | { readonly part: 'glideins'; readonly id: string | undefined };

/** The logs of the glide-ins or the pool. @throws CommandError (status 1) if there are none by that name */
export async function clusterLogs(record: ClusterRecord, connections: Connections, what: LogPart): Promise<string> {
  if (what.part === 'headnode') {
    if (!record.head) return '';
    const host = await headHost(connections, record);
    // links are not followed: compute nodes can make links in the shadows' own directory
    const script = 'find "$1/log" -maxdepth 2 -type f | sort | tr "\\n" "\\0" | xargs -0 -r tail -v -n 50 --';
    return (await host.run(['sh', '-c', script, 'sh', poolDir(record.head.base, record.name)])).stdout;
  }
  const texts: string[] = [];
  for (const site of record.sites) {
    const { facts } = site;
    if (!facts) continue;
    const host = await siteHost(connections, record, site);
    const args = [siteDir(facts.base, record.name), ...(what.id === undefined ? [] : [ownId(what.id)])];
    texts.push((await runScript(host, templateText('site/logs.sh'), args)).stdout);
  }
  return texts.join('\n');
}
