import { runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';
import type { Connections } from './connections.js';
import { poolDir, siteDir } from './context.js';
import type { ClusterRecord } from './record.js';

export type LogPart = { readonly part: 'headnode' } | { readonly part: 'glideins'; readonly id: string | undefined };

/** What the glide-ins or the pool wrote. @throws CommandError (status 1) when there is nothing of that name */
export async function clusterLogs(record: ClusterRecord, connections: Connections, what: LogPart): Promise<string> {
  if (what.part === 'headnode') {
    if (!record.head) return '';
    const host = await connections.head(record.spec.headnode, record.sites[0]?.spec);
    // by no link: the shadows' own directory is one that compute nodes can make links in
    const script = 'find "$1/log" -maxdepth 2 -type f | sort | tr "\\n" "\\0" | xargs -0 -r tail -v -n 50 --';
    return (await host.run(['sh', '-c', script, 'sh', poolDir(record.head.base, record.name)])).stdout;
  }
  const texts: string[] = [];
  for (const { spec, facts } of record.sites) {
    if (!facts) continue;
    const host = await connections.site(spec);
    const args = [siteDir(facts.base, record.name), ...(what.id === undefined ? [] : [what.id])];
    texts.push((await runScript(host, templateText('site/logs.sh'), args)).stdout);
  }
  return texts.join('\n');
}
