import { stringify } from 'yaml';
import { namespaceOf, type ReanaPlan, STORAGE } from './plan.js';
import type { ReanaSecrets } from './secrets.js';

export type Values = { readonly [key: string]: unknown };

/** The name by which workflows, and the image, know the pool. */
export const BACKEND = 'htcondorvc3';

/** REANA's clients check backends' names, and know these only: each means the pool. */
const ALIASES = ['htcondorcern', 'slurmcern', 'compute4punch'];

/** The administrator's secret in REANA that holds the pool's token. */
export const TOKEN = 'scailfin-pool-token';

/** What one user's jobs in Kubernetes itself may use, and how long (7 days): a step that needs more goes to the pool. */
const JOB_MEMORY = '4Gi';
const JOB_SECONDS = 7 * 86_400;

interface Inputs {
  readonly cluster: string;
  readonly image: string;
  readonly secrets: ReanaSecrets;
  /** Where several nodes can't share one directory: the one that all of REANA is bound to. */
  readonly node: string | undefined;
}

/** Values for REANA's chart 0.9.4: a single user's, with no secret of the chart's own left. */
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

/** Whether what REANA stores is in a directory of a node, as it is unless the user's values say otherwise. */
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
    // the chart's database knows this one role, whatever is set; its password is another from the first minute on
    database: { user: 'reana', password: secrets.database },
    cache: { password: secrets.cache },
    // the chart gives these to its broker on a command line, which users of the node can read
    message_broker: { user: secrets.brokerUser, password: secrets.broker },
    reana: { REANA_SECRET_KEY: secrets.key },
    cern: { sso: { CERN_CONSUMER_KEY: secrets.cernKey, CERN_CONSUMER_SECRET: secrets.cernSecret } },
    gitlab: { REANA_GITLAB_OAUTH_APP_ID: secrets.gitlabId, REANA_GITLAB_OAUTH_APP_SECRET: secrets.gitlabSecret },
  };
}

function components(image: string, { pool }: ReanaPlan): Values {
  return {
    reana_job_controller: { image, environment: poolEnvironment(pool) },
    // nobody else signs up, and there is no mail by which an address could be confirmed
    reana_ui: { enabled: true, hide_signup: true, local_users: true },
    // one user's browser and clients need few processes
    reana_server: { environment: { REANA_USER_EMAIL_CONFIRMATION: false }, uwsgi: { processes: 2, threads: 4 } },
  };
}

/** What the image reads, by templates/headnode/reana/README.md. No secret: these stand in pods' descriptions. */
function poolEnvironment({ collector, schedd }: ReanaPlan['pool']): Values {
  return { SCAILFIN_COLLECTOR: collector, SCAILFIN_SCHEDD: schedd };
}

/** The way in: HTTPS only; on a Kubernetes of others not from outside of it, and deaf to other namespaces. */
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
      // without these it wants objects of kinds of its own, which no uninstalling would take away again
      providers: { kubernetesCRD: { enabled: false } },
      ingressRoute: { dashboard: { enabled: false } },
      // by default it tells its makers about itself
      globalArguments: [],
      additionalArguments: [`--providers.kubernetesingress.namespaces=${namespaceOf(cluster)}`],
    },
  };
}

/** Maps are laid over each other, everything else is replaced: as Helm does with several files. */
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

/** As a file for `helm --values`. Secret. */
export function valuesFile(values: Values): string {
  return `# Made by scailfin for REANA's Helm chart. Holds secrets: keep it 0600.\n${stringify(values)}`;
}
