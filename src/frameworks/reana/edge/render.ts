import { edgeFiles } from '../../../headnode/edge.js';
import { programScripts } from '../../../headnode/node.js';
import { type Leaving, scriptNames } from '../../../leaving.js';
import { packageVersion } from '../../../paths.js';
import type { Rendered } from '../../service.js';
import type { ReanaSpec } from '../spec.js';
import { stepFolder } from './step.js';

/** All files that start the edge, and one step of a workflow as an example of what it sends later. */
export async function renderEdge(
  cluster: string,
  dir: string,
  spec: Pick<ReanaSpec, 'launchHosts' | 'sessions'>,
): Promise<Rendered> {
  return {
    configuration: configuration(cluster, dir, spec),
    scripts: [...scriptNames('headnode').filter(name => name.startsWith('edge-')), ...programScripts],
    more: [],
    folders: [await stepFolder(dir)],
    note: "\nThe edge's program is copied to the headnode's edge/program as it is installed here: dist/edge.mjs and templates/.",
  };
}

const words: Readonly<Record<string, string>> = {
  'edge/settings.json': 'the settings of the edge; its token is made when it is started',
  'edge/port': 'the port that the edge listens on',
  'edge/run.sh': "the pool's master runs the edge with this",
  'edge.config': "a part of the pool's configuration",
};

function configuration(cluster: string, dir: string, spec: Pick<ReanaSpec, 'launchHosts' | 'sessions'>): Leaving[] {
  const told = {
    token: '@TOKEN@',
    version: packageVersion(),
    condorBin: '/@HTCONDOR-BIN@',
    isFenced: true,
    ...{ launchHosts: spec.launchHosts, sessions: spec.sessions },
  };
  const facts = { ...told, cluster, port: 30_443, node: '/@NODE@' };
  return edgeFiles(dir, facts).map(({ path, content, mode }) => ({
    ...{ name: path, content: String(content), mode },
    what: words[path] ?? '',
  }));
}
