import { programFiles, programScripts } from '../../headnode/node.js';
import { defaultWork } from '../../hosts/probe.js';
import { type Folder, type Leaving, placeholders, script, scriptNames } from '../../leaving.js';
import { siteDir } from '../context.js';
import type { ClusterSpec, SiteSpec } from '../spec.js';

/** Scripts of `templates/headnode` that are sent only for a relay, or for other programs of ours. */
export const ownScripts: readonly string[] = ['relay-start', ...programScripts];

const words: Readonly<Record<string, string>> = {
  'relay/run.sh': "the pool's master runs the relay with this",
  'relay.config': "a part of the pool's configuration",
};

/** The relay's files on the headnode; its keys and settings are made when it is started. @param dir the pool's directory */
export const relayConfiguration = (dir: string): Leaving[] =>
  programFiles(dir, 'relay', 'The relay', '/@NODE@').map(({ path, content, mode }) => ({
    ...{ name: path, content: String(content), mode, what: words[path] ?? '' },
  }));

/** What lets the login node listen for the site's nodes. */
export function relayFolder(cluster: ClusterSpec, site: SiteSpec): Folder {
  const dir = siteDir(placeholders(site.profile.directories.work ?? defaultWork), cluster.name);
  return {
    name: 'relay',
    goes: `goes to the site's login node over the connection that the headnode keeps, and is not stored unless the headnode logs in with a key of the cluster's own; ${dir}/relay has the cluster's keys for the relay, which are made when it is opened`,
    files: scriptNames('relay').map(name => script(`relay/${name}`)),
  };
}
