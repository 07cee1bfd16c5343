import { describe, expect, it } from 'vitest';
import { helmFailure, isPending } from '../../../src/headnode/reana/helmwords.js';

/** As helm 3.18 and a Kubernetes 1.31 word them. */
const WORDS: readonly (readonly [string, string, RegExp, RegExp])[] = [
  [
    'a node port that is taken',
    'Error: 1 error occurred:\n\t* Service "reana-1-traefik" is invalid: spec.ports[0].nodePort: Invalid value: 30443: provided port is already allocated\n\n',
    /another service already uses the node port/,
    /kubectl get services --all-namespaces/,
  ],
  [
    "somebody else's object",
    'Error: Unable to continue with install: ClusterRole "reana-1-deployment-manager" in namespace "" exists and cannot be imported into the current release: invalid ownership metadata; annotation validation error: key "meta.helm.sh/release-namespace" must equal "scailfin-a": current value is "other"',
    /a ClusterRole reana-1-deployment-manager exists already/,
    /kubectl describe clusterrole reana-1-deployment-manager/,
  ],
  [
    'an immutable field',
    'Error: UPGRADE FAILED: cannot patch "reana-1-db" with kind Deployment: Deployment.apps "reana-1-db" is invalid: spec.selector: Invalid value: v1.LabelSelector{}: field is immutable',
    /another version of REANA/,
    /scailfin down/,
  ],
  [
    'a stateful set of another kind',
    `Error: UPGRADE FAILED: cannot patch "reana-1-message-broker" with kind StatefulSet: StatefulSet.apps "reana-1-message-broker" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy' are forbidden`,
    /another version of REANA/,
    /scailfin down/,
  ],
  [
    'an old Kubernetes',
    'Error: chart requires kubeVersion: >= 1.21.0-0 which is incompatible with Kubernetes v1.20.15',
    /needs Kubernetes >= 1\.21\.0-0, but this is v1\.20\.15/,
    /--kubernetes minikube/,
  ],
  [
    'a right that is not there',
    'Error: clusterroles.rbac.authorization.k8s.io "reana-1-traefik" is forbidden: User "bob" cannot get resource "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope',
    /bob may not get clusterroles/,
    /administrator/,
  ],
  [
    'a Kubernetes that is down',
    'Error: Kubernetes cluster unreachable: Get "https://127.0.0.1:8443/version": dial tcp 127.0.0.1:8443: connect: connection refused',
    /does not answer: .*connection refused/,
    /again/,
  ],
  [
    'a gatekeeper',
    'Error: admission webhook "policy.example" denied the request: no hostPath here',
    /policy\.example refuses: no hostPath here/,
    /administrator/,
  ],
  ['a slow one', 'Error: context deadline exceeded', /took too long/, /it continues/],
  ['no chart', 'Error: path "/nowhere" not found', /not a Helm chart/, /reana\.chart/],
];

describe("helm's words", () => {
  it.each(WORDS)('of %s are understood', (_what, stderr, message, hint) => {
    expect(helmFailure(stderr, 'scailfin-a')?.message).toMatch(message);
    expect(helmFailure(stderr, 'scailfin-a')?.hint).toMatch(hint);
  });

  it('that are unknown get no explanation', () => {
    expect(helmFailure('Error: the moon is full', 'scailfin-a')).toBeUndefined();
  });

  it('show that another operation is in progress', () => {
    expect(isPending('Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress')).toBe(true);
    expect(isPending('Error: release: not found')).toBe(false);
  });
});
