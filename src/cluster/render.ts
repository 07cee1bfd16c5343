import { mkdir } from 'node:fs/promises';
import { Folder as Directory } from '../reana/folder.js';
import { boscoFolders } from './rendering/bosco.js';
import type { Folder } from './rendering/folder.js';
import { headnodeFolder, reanasOf } from './rendering/headnode.js';
import { checkFolder, siteFolder } from './rendering/site.js';
import { stepFolder } from './rendering/step.js';
import { reanaFolder } from './rendering/upstream.js';
import type { ClusterSpec, SiteSpec } from './spec.js';

/**
 * Writes every file that would leave this machine below `dir`, without any network. What is only learnt on the site
 * or the headnode stands there as `@WORD@`; tokens and the payload are made there and are not written.
 * @returns the files' paths below `dir`
 */
export async function renderAll(cluster: ClusterSpec, site: SiteSpec, dir: string): Promise<string[]> {
  const folders = [headnodeFolder(cluster), siteFolder(cluster, site)];
  const { edge, upstream } = reanasOf(cluster);
  if (edge) folders.push(await stepFolder(cluster.name));
  if (upstream && cluster.reana) folders.push(reanaFolder(cluster, cluster.reana));
  folders.push(...boscoFolders(cluster, site), checkFolder());
  const files = folders.flatMap(({ name, files }) => files.map(file => ({ ...file, path: `${name}/${file.name}` })));
  const all = [{ path: 'README', content: readme(cluster, site, folders), mode: 0o644 }, ...files];
  await mkdir(dir, { recursive: true });
  const folder = await Directory.at(dir);
  for (const { path, content, mode } of all) await folder.write(path.split('/'), content, mode);
  return all.map(({ path }) => path);
}

function readme(cluster: ClusterSpec, site: SiteSpec, folders: readonly Folder[]): string {
  const parts = folders.map(({ name, goes, files }) => {
    const width = Math.max(...files.map(file => file.name.length)) + 2;
    return [`${name}/   ${goes}.`, ...files.map(f => `  ${f.name.padEnd(width)}${f.what}`)].join('\n');
  });
  const program = reanasOf(cluster).edge
    ? "\nThe edge's program goes to the headnode's edge/program as it is installed here: dist/edge.mjs and templates/."
    : '';
  return `What scailfin would send for the cluster ${cluster.name} at ${site.site}.

${parts.join('\n\n')}

Words between @ signs are learnt on the way: directories from the site, the address from the headnode. The glide-ins' token
and the payload cut from the headnode's HTCondor are made there, so they are not here.${program}
`;
}
