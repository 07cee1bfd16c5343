import { mkdir } from 'node:fs/promises';
import { Folder as Directory } from '../folder.js';
import { frameworkNamed } from '../frameworks/registry.js';
import type { Rendered } from '../frameworks/service.js';
import { defaultWork } from '../hosts/probe.js';
import { type Folder, type Leaving, placeholders } from '../leaving.js';
import { poolDir } from './context.js';
import { othersOf } from './framework.js';
import { boscoFolders } from './rendering/bosco.js';
import { headnodeFolder } from './rendering/headnode.js';
import { relayFolder } from './rendering/relay.js';
import { checkFolder, siteFolder } from './rendering/site.js';
import type { ClusterSpec, SiteSpec } from './spec.js';

/**
 * Writes every file that would leave this machine below `dir`; uses no network. Values that are found only on the site or
 * the headnode are written as `@WORD@`; tokens and the payload are made there and are not written.
 * @returns the files' paths below `dir`
 */
export async function renderAll(cluster: ClusterSpec, site: SiteSpec, dir: string): Promise<string[]> {
  const pool = poolDir(placeholders(defaultWork), cluster.name);
  const more = joined(await frameworkFiles(cluster, pool));
  const folders = [
    await headnodeFolder(cluster, pool, more),
    siteFolder(cluster, site),
    ...(cluster.relay ? [relayFolder(cluster, site)] : []),
    ...more.folders,
    ...boscoFolders(cluster, site),
    checkFolder(),
  ];
  const files = folders.flatMap(({ name, files }) => files.map(file => ({ ...file, path: `${name}/${file.name}` })));
  const content = readme(cluster, site, folders, more.note);
  const all = [{ path: 'README', content, mode: 0o644 }, ...files];
  await mkdir(dir, { recursive: true });
  const folder = await Directory.at(dir);
  for (const { path, content, mode } of all) await folder.write(path.split('/'), content, mode);
  return all.map(({ path }) => path);
}

async function frameworkFiles({ name, frameworks }: ClusterSpec, pool: string): Promise<Rendered[]> {
  const each = frameworks.map(async f => {
    const others = await othersOf(frameworks, f.name, pool);
    return (await frameworkNamed(f.name).service?.())?.render(name, pool, f, others);
  });
  return (await Promise.all(each)).filter(rendered => rendered !== undefined);
}

/** What several frameworks would send; a file that they share is there once. */
function joined(all: readonly Rendered[]): Rendered {
  const once = (files: readonly Leaving[]): Leaving[] => [...new Map(files.map(f => [f.name, f])).values()];
  return {
    configuration: once(all.flatMap(r => r.configuration)),
    scripts: all.flatMap(r => r.scripts),
    more: once(all.flatMap(r => r.more)),
    folders: all.flatMap(r => r.folders),
    note: all.map(r => r.note).join(''),
  };
}

function readme(cluster: ClusterSpec, site: SiteSpec, folders: readonly Folder[], note: string): string {
  const parts = folders.map(({ name, goes, files }) => {
    const width = Math.max(...files.map(file => file.name.length)) + 2;
    return [`${name}/   ${goes}.`, ...files.map(f => `  ${f.name.padEnd(width)}${f.what}`)].join('\n');
  });
  return `What scailfin would send for the cluster ${cluster.name} at ${site.site}.

${parts.join('\n\n')}

Words between @ signs are learnt on the way: directories from the site, the address from the headnode. The glide-ins' token
and the payload from the headnode's HTCondor are made there, so they are not here.${note}
`;
}
