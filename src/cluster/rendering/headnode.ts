import { edgeFiles } from '../../headnode/edge.js';
import { defaultWork } from '../../hosts/probe.js';
import { fenceFiles, poolConfig } from '../../htcondor/pool.js';
import { packageVersion } from '../../paths.js';
import { render } from '../../templates.js';
import { poolDir } from '../context.js';
import type { ReanaSpec } from '../reanaspec.js';
import { type ClusterSpec, headnodeName } from '../spec.js';
import { trustDomain } from '../steps/headnode.js';
import { type Folder, type Leaving, placeholders, script, scriptNames } from './folder.js';

/** The pool, and what more the cluster offers. */
export function headnodeFolder(cluster: ClusterSpec): Folder {
  const dir = poolDir(placeholders(defaultWork), cluster.name);
  const domain = trustDomain(cluster.name, '@CLUSTER-ID@');
  const { edge: hasEdge, upstream } = reanasOf(cluster);
  const isWanted = (name: string): boolean => (hasEdge || !ofEdge.test(name)) && (upstream || !ofUpstream.test(name));
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
      ...(hasEdge ? edge(cluster.name, dir) : []),
      ...scriptNames('headnode')
        .filter(isWanted)
        .map(name => script(`headnode/${name}`)),
      ...(cluster.reana ? kubernetes(cluster.reana) : []),
    ],
  };
}

/** Whose REANA the cluster may get; both where the headnode decides. */
export function reanasOf({ reana }: ClusterSpec): { readonly edge: boolean; readonly upstream: boolean } {
  return {
    edge: reana !== undefined && reana.flavour !== 'upstream',
    upstream: reana !== undefined && reana.flavour !== 'edge',
  };
}

const ofEdge = /^edge-/;
/** What fetches its programs, and follows what takes long. */
const ofUpstream = /^(tool-|detach|follow$|keep-up$)/;

/** By these upstream REANA's Kubernetes is made, or found. */
function kubernetes({ flavour, kubernetes: { kind } }: ReanaSpec): Leaving[] {
  if (flavour === 'edge') return [];
  const scripts = scriptNames(`headnode/${kind}`).map(name => script(`headnode/${kind}/${name}`, `${kind}/${name}`));
  if (kind === 'context') return scripts;
  const direct = render('headnode/minikube/direct', { program: '/@KUBECTL@' });
  return [
    ...scripts,
    { name: 'minikube/bin/kubectl', mode: 0o700, content: direct, what: 'kubectl past all proxies; helm likewise' },
  ];
}

const edgeWords: Readonly<Record<string, string>> = {
  'edge/settings.json': 'what the edge is told; its token is made when it is brought up',
  'edge/port': 'the port it keeps',
  'edge/run.sh': "by this the pool's master runs the edge",
  'edge.config': "a part of the pool's configuration",
};

function edge(cluster: string, dir: string): Leaving[] {
  const told = { token: '@TOKEN@', version: packageVersion(), condorBin: '/@HTCONDOR-BIN@', isFenced: true };
  const facts = { ...told, cluster, port: 30_443, node: '/@NODE@' };
  return edgeFiles(dir, facts).map(({ path, content, mode }) => ({
    ...{ name: path, content: String(content), mode },
    what: edgeWords[path] ?? '',
  }));
}
