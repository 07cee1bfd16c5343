/** Explains helm's last error and says what to type next; undefined if the error needs no explanation. */
export function helmFailure(stderr: string, namespace: string): { message: string; hint: string } | undefined {
  for (const [pattern, say] of MEANINGS) {
    const match = pattern.exec(lastOf(stderr));
    if (match) return say(match, namespace);
  }
  return undefined;
}

export const isPending = (stderr: string): boolean => /another operation \([^)]*\) is in progress/.test(lastOf(stderr));

/** At its end, helm says in a few lines why it failed. */
const lastOf = (stderr: string): string => stderr.slice(-8_000);

type Meaning = readonly [RegExp, (match: RegExpExecArray, namespace: string) => { message: string; hint: string }];

/** Helm's and the API server's wording: helm 3.18 pkg/action, pkg/kube; Kubernetes 1.31 pkg/registry. */
const MEANINGS: readonly Meaning[] = [
  [
    /provided port is already allocated|nodePort: Invalid value: (\d+): (.*)/,
    () => ({
      message: 'another service already uses the node port for REANA',
      hint: 'to find that service: `kubectl get services --all-namespaces`; remove it, or choose another Kubernetes',
    }),
  ],
  [
    /\b(\w+) "([^"]+)"[^\n]* exists and cannot be imported into the current release: ([^\n]*)/,
    ([, kind, name]) => ({
      message: `a ${kind} ${name} exists already, and somebody else made it`,
      hint: `look at it (\`kubectl describe ${kind?.toLowerCase()} ${name}\`); give the cluster another name, or remove it`,
    }),
  ],
  [
    /field is immutable|updates to statefulset spec for fields other than/,
    (_match, namespace) => ({
      message: `${namespace} contains another version of REANA, which can't be changed into this one`,
      hint: 'run `scailfin down`, which removes it, and then `scailfin up`',
    }),
  ],
  [
    /chart requires kubeVersion: ([^\n]*) which is incompatible with Kubernetes (\S+)/,
    ([, wanted, is]) => ({
      message: `REANA's chart needs Kubernetes ${wanted}, but this is ${is}`,
      hint: 'choose a newer one: `--kubernetes minikube`, or another context',
    }),
  ],
  [
    /User "([^"]*)" cannot (\w+) resource "([^"]*)"/,
    ([, user, verb, resource]) => ({
      message: `${user} may not ${verb} ${resource} there`,
      hint: `ask the Kubernetes' administrator for that right, or use your own Kubernetes: \`--kubernetes minikube\``,
    }),
  ],
  [
    /exceeded quota: ([^,\n]*)/,
    ([, quota], namespace) => ({
      message: `the quota ${quota} of ${namespace} is used up`,
      hint: "ask the Kubernetes' administrator for more, or use your own Kubernetes: `--kubernetes minikube`",
    }),
  ],
  [
    /failed calling webhook "([^"]*)"|admission webhook "([^"]*)" denied the request: ([^\n]*)/,
    ([, failing, denying, why]) => ({
      message: `its gatekeeper ${failing ?? denying} ${failing ? 'does not answer' : `refuses: ${why}`}`,
      hint: "ask the Kubernetes' administrator, or use your own Kubernetes: `--kubernetes minikube`",
    }),
  ],
  [
    /Kubernetes cluster unreachable: ([^\n]*)/,
    ([, why]) => ({
      message: `its Kubernetes does not answer: ${why}`,
      hint: 'start it, then run `scailfin up` again',
    }),
  ],
  [
    /context deadline exceeded|timed out waiting for the condition/,
    () => ({
      message: 'Kubernetes took too long to answer',
      hint: 'run `scailfin up` again: it continues where it stopped',
    }),
  ],
  [
    /(?:path "([^"]+)" not found|file does not appear to be a gzipped archive|Chart\.yaml file is missing)/,
    () => ({ message: 'the file is not a Helm chart', hint: 'name another by `reana.chart` in the configuration' }),
  ],
];
