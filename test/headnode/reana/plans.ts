import type { ReanaPlan } from '../../../src/headnode/reana/reana-plan.js';

/** A Kubernetes of the cluster's own. */
export const own = { build: ['minikube', 'image', 'build'], nodePort: 30_443 };

/** A plan whose Kubernetes is nowhere: for what is only thought about it. */
export function planOf(change: Partial<ReanaPlan> = {}): ReanaPlan {
  const programs = { kubectl: '/nowhere/kubectl', helm: '/nowhere/helm', kubeconfig: '/nowhere/kubeconfig' };
  return {
    kubernetes: { ...programs, context: 'nowhere', port: 30_443, own },
    chart: { from: '/nowhere/chart', sha256: undefined },
    image: 'registry.example/job-controller:1',
    pool: { collector: '192.0.2.1:9618', schedd: 'physics', token: 'pool-token' },
    email: 'alice@example.org',
    timeoutMs: 60_000,
    ...change,
  };
}
