/** What helm's last words mean, and what to type next; undefined where they speak for themselves. */
export function helmFailure(stderr: string, namespace: string): { message: string; hint: string } | undefined {
  for (const [pattern, say] of MEANINGS) {
    const match = pattern.exec(lastOf(stderr));
    if (match) return say(match, namespace);
  }
  return undefined;
}

export const isPending = (stderr: string): boolean => /another operation \([^)]*\) is in progress/.test(lastOf(stderr));

/** helm says at the end, in a line or a few, why it failed. */
const lastOf = (stderr: string): string => stderr.slice(-8_000);

type Meaning = readonly [RegExp, (match: RegExpExecArray, namespace: string) => { message: string; hint: string }];

/** Helm's and the API server's wording: helm 3.18 pkg/action, pkg/kube; Kubernetes 1.31 pkg/registry. */
const MEANINGS: readonly Meaning[] = [
  [
    /provided port is already allocated|nodePort: Invalid value: (\d+): (.*)/,
    () => ({
      message: "the node port by which REANA is reached is another service's already",
      hint: 'see whose by `kubectl get services --all-namespaces`; take that service away, or choose another Kubernetes',
    }),
  ],
  [
    /\b(\w+) "([^"]+)"[^\n]* exists and cannot be imported into the current release: ([^\n]*)/,
    ([, kind, name]) => ({
      message: `there is a ${kind} ${name} already that somebody else made`,
      hint: `look at it (\`kubectl describe ${kind?.toLowerCase()} ${name}\`); give the cluster another name, or remove it`,
    }),
  ],
  [
    /field is immutable|updates to statefulset spec for fields other than/,
    (_match, namespace) => ({
      message: `what is in ${namespace} is of another version of REANA, and can't be turned into this one`,
      hint: '`scailfin down`, which takes it away, then `scailfin up`',
    }),
  ],
  [
    /chart requires kubeVersion: ([^\n]*) which is incompatible with Kubernetes (\S+)/,
    ([, wanted, is]) => ({
      message: `REANA's chart wants a Kubernetes ${wanted}, this one is ${is}`,
      hint: 'choose a newer one: `--kubernetes minikube`, or another context',
    }),
  ],
  [
    /User "([^"]*)" cannot (\w+) resource "([^"]*)"/,
    ([, user, verb, resource]) => ({
      message: `${user} may not ${verb} ${resource} there`,
      hint: `ask the Kubernetes' administrator for that right, or use a Kubernetes of your own: \`--kubernetes minikube\``,
    }),
  ],
  [
    /exceeded quota: ([^,\n]*)/,
    ([, quota], namespace) => ({
      message: `the quota ${quota} of ${namespace} is used up`,
      hint: "ask the Kubernetes' administrator for more, or use one of your own: `--kubernetes minikube`",
    }),
  ],
  [
    /failed calling webhook "([^"]*)"|admission webhook "([^"]*)" denied the request: ([^\n]*)/,
    ([, failing, denying, why]) => ({
      message: `its gatekeeper ${failing ?? denying} ${failing ? 'does not answer' : `says no: ${why}`}`,
      hint: "ask the Kubernetes' administrator, or use one of your own: `--kubernetes minikube`",
    }),
  ],
  [
    /Kubernetes cluster unreachable: ([^\n]*)/,
    ([, why]) => ({ message: `its Kubernetes does not answer: ${why}`, hint: 'bring it up, then `scailfin up` again' }),
  ],
  [
    /context deadline exceeded|timed out waiting for the condition/,
    () => ({ message: 'Kubernetes took too long to answer', hint: '`scailfin up` again goes on where this stopped' }),
  ],
  [
    /(?:path "([^"]+)" not found|file does not appear to be a gzipped archive|Chart\.yaml file is missing)/,
    () => ({ message: "the chart's file is none", hint: 'name another by `reana.chart` in the configuration' }),
  ],
];
