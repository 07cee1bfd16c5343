import { stringify } from 'yaml';
import { namespaceOf, type ReanaPlan, STORAGE } from './reana-plan.js';
import type { ReanaSecrets } from './reana-secrets.js';

export type Values = { readonly [key: string]: unknown };

/** The name of the pool as a compute backend, in workflows and in the image. */
export const BACKEND = 'htcondorvc3';

/** REANA's clients check the names of backends and know only these: each means the pool here. */
const ALIASES = ['htcondorcern', 'slurmcern', 'compute4punch'];

/** The administrator's secret in REANA that contains the pool's token. */
export const TOKEN = 'scailfin-pool-token';

/** The limits for one user's jobs in Kubernetes itself (time: 7 days); a step that needs more goes to the pool. */
const JOB_MEMORY = '4Gi';
const JOB_SECONDS = 7 * 86_400;

interface Inputs {
  readonly cluster: string;
  readonly image: string;
  readonly secrets: ReanaSecrets;
  /** The node to which all of REANA is bound, if several nodes can't share one directory. */
  readonly node: string | undefined;
}

/** Values for REANA's chart 0.9.4, for a single user; no default secret of the chart is left. */
export function valuesFor(plan: ReanaPlan, inputs: Inputs): Values {
  const ours: Values = {
    compute_backends: ['kubernetes', BACKEND, ...ALIASES],
    ...storage(),
    ...pinned(inputs.node),
    secrets: secretValues(inputs.secrets),
    components: components(inputs.image, plan),
    ...{ kubernetes_jobs_memory_limit: JOB_MEMORY, kubernetes_jobs_timeout_limit: JOB_SECONDS },
    ...{ quota: { enabled: false }, notifications: { enabled: false }, eos: { enabled: false } },
    ...entrance(plan, inputs.cluster),
  };
  return overlaid(ours, plan.values ?? {});
}

/** Whether a directory of a node holds REANA's data, which is the default. */
export function onNodes({ values }: Pick<ReanaPlan, 'values'>): boolean {
  const storage = values?.shared_storage;
  return !isMap(storage) || storage.backend === undefined || storage.backend === 'hostpath';
}

function storage(): Values {
  return {
    shared_storage: { backend: 'hostpath', shared_volume_mount_path: STORAGE, hostpath: { root_path: STORAGE } },
    workspaces: { paths: [`${STORAGE}:${STORAGE}`] },
  };
}

const labels = [
  'infrastructure',
  'infrastructuredb',
  'infrastructuremq',
  'runtimebatch',
  'runtimejobs',
  'runtimesessions',
];

function pinned(node: string | undefined): Values {
  if (node === undefined) return {};
  return Object.fromEntries(labels.map(label => [`node_label_${label}`, `kubernetes.io/hostname=${node}`]));
}

function secretValues(secrets: ReanaSecrets): Values {
  return {
    // the chart's database always has this one role; its password is changed in the first minute
    database: { user: 'reana', password: secrets.database },
    cache: { password: secrets.cache },
    // the chart passes these to its broker on a command line, which users of the node can read
    message_broker: { user: secrets.brokerUser, password: secrets.broker },
    reana: { REANA_SECRET_KEY: secrets.key },
    cern: { sso: { CERN_CONSUMER_KEY: secrets.cernKey, CERN_CONSUMER_SECRET: secrets.cernSecret } },
    gitlab: { REANA_GITLAB_OAUTH_APP_ID: secrets.gitlabId, REANA_GITLAB_OAUTH_APP_SECRET: secrets.gitlabSecret },
  };
}

function components(image: string, { pool }: ReanaPlan): Values {
  return {
    reana_job_controller: { image, environment: poolEnvironment(pool) },
    // nobody else may sign up, and no mail is sent to confirm an address
    reana_ui: { enabled: true, hide_signup: true, local_users: true },
    // one user's browser and clients need few processes
    reana_server: { environment: { REANA_USER_EMAIL_CONFIRMATION: false }, uwsgi: { processes: 2, threads: 4 } },
  };
}

/**
 * The variables that the image reads (templates/headnode/reana/README.md). They contain no secret, because pods'
 * descriptions show them.
 */
function poolEnvironment({ collector, schedd }: ReanaPlan['pool']): Values {
  return { SCAILFIN_COLLECTOR: collector, SCAILFIN_SCHEDD: schedd };
}

/** The ingress: HTTPS only. In a Kubernetes of others it is not open from outside, and ignores other namespaces. */
function entrance({ kubernetes: { own } }: ReanaPlan, cluster: string): Values {
  const secure = own === undefined ? { nodePort: null } : { nodePort: own.nodePort };
  return {
    ingress: {
      annotations: { 'traefik.ingress.kubernetes.io/router.entrypoints': 'websecure' },
      tls: { self_signed_cert: true },
    },
    traefik: {
      service: { type: own === undefined ? 'ClusterIP' : 'NodePort' },
      ports: { web: { expose: false, nodePort: null }, websecure: secure },
      // without these it needs its own kinds of objects, which uninstalling would not remove
      providers: { kubernetesCRD: { enabled: false } },
      ingressRoute: { dashboard: { enabled: false } },
      // by default it sends usage data to its makers
      globalArguments: [],
      additionalArguments: [`--providers.kubernetesingress.namespaces=${namespaceOf(cluster)}`],
    },
  };
}

/** Maps are merged, everything else is replaced, as Helm does with several files. */
export function overlaid(below: Values, above: Values): Values {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = merged[key];
    merged[key] = isMap(under) && isMap(value) ? overlaid(under, value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A file for `helm --values`. Secret. */
export function valuesFile(values: Values): string {
  return `# Made by scailfin for REANA's Helm chart. Holds secrets: keep it 0600.\n${stringify(values)}`;
}
