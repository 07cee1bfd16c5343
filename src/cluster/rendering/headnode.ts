import { services } from '../../frameworks/registry.js';
import type { Rendered } from '../../frameworks/service.js';
import { fenceFiles, poolConfig } from '../../htcondor/pool.js';
import { type Folder, script, scriptNames } from '../../leaving.js';
import { type ClusterSpec, headnodeName } from '../spec.js';
import { trustDomain } from '../steps/headnode.js';

/** The pool, and what more the cluster offers. @param dir of the pool @param more what the cluster's framework sends */
export async function headnodeFolder(cluster: ClusterSpec, dir: string, more: Rendered | undefined): Promise<Folder> {
  const domain = trustDomain(cluster.name, '@CLUSTER-ID@');
  const special = await Promise.all(services.map(async f => (await f.service?.())?.ownScripts));
  const isWanted = (name: string): boolean =>
    !special.some(own => own?.test(name)) || (more?.scripts.includes(name) ?? false);
  return {
    name: 'headnode',
    goes: `goes to the headnode (${headnodeName(cluster.headnode)}), below ${dir}; scripts are run there over the connection and not kept`,
    files: [
      {
        ...{ name: 'condor_config', mode: 0o600, what: "the pool's configuration, read by its daemons" },
        content: poolConfig({ dir, name: cluster.name, trustDomain: domain }),
      },
      script('headnode/fence/build', 'fence/build'),
      ...fenceFiles().map(({ path, content, mode }) => ({
        ...{ name: path, content: String(content), mode: mode ?? 0o600 },
        what: 'keeps compute nodes from all files on the headnode but those of their jobs',
      })),
      ...(more?.configuration ?? []),
      ...scriptNames('headnode')
        .filter(isWanted)
        .map(name => script(`headnode/${name}`)),
      ...(more?.more ?? []),
    ],
  };
}
