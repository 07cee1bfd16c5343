import { services } from '../../frameworks/registry.js';
import type { Rendered } from '../../frameworks/service.js';
import { poolConfig, poolScripts } from '../../htcondor/pool.js';
import { type Folder, script, scriptNames } from '../../leaving.js';
import { headnodeName } from '../headnodes.js';
import type { ClusterSpec } from '../spec.js';
import { trustDomain } from '../steps/headnode.js';
import { ownScripts, relayConfiguration } from './relay.js';

/** What the pool's own scripts do, by how their paths begin. */
const purposes = [
  ['pool-', "runs the pool's master, and starts it again after a crash"],
  ['shadows', 'gives running jobs new shadows after they had lost their nodes; run by the pool'],
  ['fence/', 'limits compute nodes to the files of their jobs on the headnode'],
] as const;

/**
 * The pool, and what else the cluster offers. @param dir the pool's directory @param more the files of the cluster's
 * frameworks
 */
export async function headnodeFolder(cluster: ClusterSpec, dir: string, more: Rendered): Promise<Folder> {
  const scripts = poolScripts();
  const domain = trustDomain(cluster.name, '@CLUSTER-ID@');
  const special = await Promise.all(services.map(async f => (await f.service?.())?.ownScripts));
  const isWanted = (name: string): boolean =>
    cluster.relay && ownScripts.includes(name)
      ? true
      : !(ownScripts.includes(name) || special.some(own => own?.test(name))) || more.scripts.includes(name);
  return {
    name: 'headnode',
    goes: `goes to the headnode (${headnodeName(cluster.headnode)}), below ${dir}; scripts are run over the connection and are not stored`,
    files: [
      {
        ...{ name: 'condor_config', mode: 0o600, what: "the pool's configuration, read by its daemons" },
        content: poolConfig({ dir, name: cluster.name, trustDomain: domain }),
      },
      script('headnode/fence/build', 'fence/build'),
      ...scripts.map(({ path, content, mode }) => ({
        ...{ name: path, content: String(content), mode: mode ?? 0o600 },
        what: purposes.find(([begin]) => path.startsWith(begin))?.[1] ?? '',
      })),
      ...more.configuration,
      ...(cluster.relay ? relayConfiguration(dir) : []),
      ...scriptNames('headnode')
        .filter(name => !scripts.some(({ path }) => path === `${name}.sh`) && isWanted(name))
        .map(name => script(`headnode/${name}`)),
      ...more.more,
    ],
  };
}
