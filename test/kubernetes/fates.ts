import { stringify } from 'yaml';

/**
 * What becomes of a pod on the plane's nodes, by its label `app` (or `app.kubernetes.io/name`); the others run. The words are what a kubelet with
 * containerd, and kwok for the rest, reports of Kubernetes 1.31 and later.
 */
export type Fate = 'pull-fails' | 'crash-loops' | 'config-fails' | 'never-ready' | 'evicted';

export type Fates = Readonly<Record<string, Fate>>;

/** kwok's configuration: what nodes and pods go through. */
export function stages(fates: Fates): string {
  const apps = Object.keys(fates);
  const doomed = Object.entries(fates).flatMap(([app, fate]) => stagesOf[fate](app));
  return [...alive(apps), ...doomed].map(stage => stringify(stage, { lineWidth: 0 })).join('---\n');
}

interface Expression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[];
}

interface Next {
  readonly statusTemplate?: string;
  readonly event?: { readonly type: string; readonly reason: string; readonly message: string };
  readonly delete?: boolean;
  readonly finalizers?: { readonly empty: boolean };
}

function stage(name: string, matchExpressions: readonly Expression[], next: Next, afterMs = 0): object {
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: 'v1', kind: 'Pod' },
      selector: { matchExpressions },
      ...(afterMs > 0 && { delay: { durationMilliseconds: afterMs } }),
      next,
    },
  };
}

// traefik's pods have none of the first
const app = '.metadata.labels | .app // ."app.kubernetes.io/name"';
const phase = '.status.phase';
const waiting = '[.status.containerStatuses[]?.state.waiting.reason] | first // "nothing"';
const kept: Expression = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' };
const isReady: Expression = {
  key: '.status.conditions[]? | select(.type == "Ready") | .status',
  operator: 'In',
  values: ['True'],
};

/** Pods that come up, end when they are a job's, and go. */
function alive(except: readonly string[]): object[] {
  const others: Expression[] = except.length > 0 ? [{ key: app, operator: 'NotIn', values: except }] : [];
  const over: Expression = { key: phase, operator: 'NotIn', values: ['Succeeded', 'Failed'] };
  const ofJob: Expression = { key: '.metadata.ownerReferences[]?.kind', operator: 'In', values: ['Job'] };
  return [
    stage('ready', [kept, over, { ...isReady, operator: 'NotIn' }, ...others], { statusTemplate: running(true) }),
    stage('complete', [kept, { key: phase, operator: 'In', values: ['Running'] }, ofJob, isReady], {
      statusTemplate: ended,
    }),
    stage('delete', [{ ...kept, operator: 'Exists' }], { finalizers: { empty: true }, delete: true }),
  ];
}

type Doom = (name: string) => object[];

const stagesOf: Readonly<Record<Fate, Doom>> = {
  'pull-fails': name => [
    ...waits(name, 'ErrImagePull', [], pullWords, { reason: 'Failed', message: 'Error: ErrImagePull' }),
    ...waits(
      name,
      'ImagePullBackOff',
      ['ErrImagePull'],
      `Back-off pulling image "{{ .image }}": ErrImagePull: ${pullWords}`,
      {
        reason: 'BackOff',
        message: 'Back-off pulling image',
      },
    ),
  ],
  'config-fails': name =>
    waits(name, 'CreateContainerConfigError', [], 'stat /var/reana: no such file or directory', {
      reason: 'Failed',
      message: 'Error: stat /var/reana: no such file or directory',
    }),
  'crash-loops': name => [
    stage(`crash-${name}`, [...of(name), { key: waiting, operator: 'In', values: ['nothing'] }], {
      statusTemplate: crashed,
      event: { type: 'Warning', reason: 'BackOff', message: 'Back-off restarting failed container' },
    }),
  ],
  'never-ready': name => [
    stage(`unready-${name}`, [...of(name), { key: phase, operator: 'NotIn', values: ['Running'] }], {
      statusTemplate: running(false),
      event: { type: 'Warning', reason: 'Unhealthy', message: 'Readiness probe failed: connection refused' },
    }),
  ],
  evicted: name => [
    // not at once: its deployment puts another in its place
    stage(
      `evict-${name}`,
      [...of(name), { key: phase, operator: 'NotIn', values: ['Failed'] }],
      { statusTemplate: evicted, event: { type: 'Warning', reason: 'Evicted', message: evictedWords } },
      2000,
    ),
  ],
};

const pullWords =
  'failed to pull and unpack image "{{ .image }}": failed to resolve reference "{{ .image }}": {{ .image }}: not found';
const evictedWords = 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 61Mi. ';

const of = (name: string): Expression[] => [kept, { key: app, operator: 'In', values: [name] }];

/** A container that does not come to run, after it was in one of the states `from`. */
function waits(
  name: string,
  reason: string,
  from: readonly string[],
  words: string,
  event: { readonly reason: string; readonly message: string },
): object[] {
  const before: Expression =
    from.length > 0
      ? { key: waiting, operator: 'In', values: from }
      : { key: waiting, operator: 'In', values: ['nothing'] };
  const next = { statusTemplate: pending(reason, words), event: { type: 'Warning', ...event } };
  return [stage(`${reason.toLowerCase()}-${name}`, [...of(name), before], next, from.length > 0 ? 300 : 0)];
}

const conditions = (ready: boolean) => `
{{ $now := Now }}
conditions:
- { type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }} }
${['Ready', 'ContainersReady']
  .map(type =>
    ready
      ? `- { type: ${type}, status: "True", reason: "", message: "", lastTransitionTime: {{ $now | Quote }} }`
      : `- { type: ${type}, status: "False", reason: ContainersNotReady, message: 'containers with unready status: [{{ range .spec.containers }}{{ .name }} {{ end }}]', lastTransitionTime: {{ $now | Quote }} }`,
  )
  .join('\n')}
startTime: {{ $now | Quote }}
`;

/** What each container of a pod is. */
const containers = (state: string, ready = false, restarts = 0) => `
containerStatuses:
{{ $pod := . }}
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: ${ready}
  restartCount: ${restarts}
${state.replaceAll(/^/gm, '  ')}
{{ end }}
`;

const addresses = `
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
`;

const initialized = `
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } }
{{ end }}
`;

const running = (ready: boolean) =>
  `${conditions(ready)}${initialized}${addresses}phase: Running\n` +
  containers('started: true\nstate: { running: { startedAt: {{ $now | Quote }} } }', ready);

const ended =
  `${conditions(false)}phase: Succeeded\n` +
  containers(
    'state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } }',
  );

/** As YAML text, within single quotes. */
const pending = (reason: string, words: string) =>
  `${conditions(false)}phase: Pending\n${containers(`started: false\nstate: { waiting: { reason: ${reason}, message: '${words}' } }`)}`;

const crashWords =
  'back-off 40s restarting failed container={{ .name }} pod={{ $pod.metadata.name }}_{{ $pod.metadata.namespace }}({{ $pod.metadata.uid }})';

const crashed =
  `${conditions(false)}${addresses}phase: Running\n` +
  containers(
    `started: false
state: { waiting: { reason: CrashLoopBackOff, message: '${crashWords}' } }
lastState: { terminated: { exitCode: 1, reason: Error, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } }`,
    false,
    3,
  );

const evicted = `${conditions(false)}phase: Failed\nreason: Evicted\nmessage: '${evictedWords}'\n`;
