import { messageOf, UsageError } from '../../../errors.js';
import type { Part } from '../../../headnode/component.js';
import { contextComponent } from '../../../headnode/context/component.js';
import { type Installed, partsOf } from '../../../headnode/installed.js';
import { minikubeComponent } from '../../../headnode/minikube/component.js';
import { kept } from '../../../headnode/reana/forward.js';
import { reana } from '../../../headnode/reana/reana.js';
import { namespaceOf, releaseOf } from '../../../headnode/reana/reana-plan.js';
import type { Flavour } from '../flavour.js';
import { keepPassword, keepToken } from '../token-files.js';
import { renderUpstream } from './render.js';
import { ownScripts } from './scripts.js';
import { bringUpUpstream, missingForUpstream } from './start.js';

const components: readonly Installed[] = [reana(), contextComponent, minikubeComponent];

/** CERN's REANA, installed by its Helm chart on the cluster's own Kubernetes or on an existing one. */
export const upstream: Flavour = {
  components,
  ownScripts,
  missing: missingForUpstream,

  async bringUp(at, spec) {
    const { facts, token, password } = await bringUpUpstream(at, spec, at.pool);
    keepToken(at.folder, token);
    keepPassword(at.folder, password);
    return facts;
  },

  async status(_facts, at) {
    const parts = await at()
      .then(place => partsOf(place, components))
      .catch((error): readonly Part[] => [{ name: 'reana', state: 'unknown', reason: messageOf(error) }]);
    const worst = (['dead', 'unknown', 'starting'] as const).find(state => parts.some(p => p.state === state));
    return { state: worst ?? (parts.length > 0 ? 'alive' : 'dead'), parts };
  },

  dial: (_facts, _here, dial) => kept(dial),

  people: (_facts, { cluster }) => {
    // 0.9.4: reana_server/reana_admin/cli.py
    const add = `kubectl --namespace ${namespaceOf(cluster)} exec -it deployment/${releaseOf(cluster)}-server -- flask reana-admin user-create --email PERSON --admin-access-token TOKEN`;
    throw new UsageError(`the REANA of ${cluster} is CERN's own, on Kubernetes: it has its own users`, {
      hint: `add one on the headnode, with the token of \`scailfin env ${cluster}\`: ${add}`,
    });
  },

  render: renderUpstream,
};
