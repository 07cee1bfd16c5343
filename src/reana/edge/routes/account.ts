import { ok } from '../http/call.js';
import type { Route } from '../http/router.js';
import type { Person } from '../people/person.js';
import { anybody, everyUser } from '../people/rules.js';
import { sizeOf } from '../workspace/sizes.js';
import { type Parts, timeOf } from './parts.js';

/** The version of REANA whose API this is; clients of 0.9 compare it with their own. */
export const apiVersion = '0.9.4';

/** Facts about the user and about this cluster. */
export const accountRoutes = (parts: Parts): Route[] => [
  { method: 'GET', path: '/api/ping', rule: anybody('it says only that a server is there'), handle: pong },
  { method: 'GET', path: '/api/you', rule: everyUser, handle: async ({ access }) => ok(await you(parts, access.who)) },
  { method: 'GET', path: '/api/info', rule: everyUser, handle: async () => ok(info(parts)) },
];

const pong = async () => ok({ status: '200', message: 'OK' });

async function you(parts: Parts, who: Person): Promise<unknown> {
  const [username] = who.name.split('@');
  const { used, limit } = await parts.disk.usage(who);
  const health = used > 0.9 * limit ? 'critical' : used > 0.8 * limit ? 'warning' : 'healthy';
  return {
    ...{ email: who.name, full_name: username, username },
    reana_server_version: apiVersion,
    // the client that asks already has its value, so it is not sent
    reana_token: { status: 'active', requested_at: timeOf(parts.began) },
    quota: { disk: { health, usage: sizeOf(used), limit: sizeOf(limit) }, cpu: cpu() },
  };
}

/** CPU time is counted by the batch system, not here. 0 means no limit. */
const cpu = (): unknown => ({
  ...{ health: 'healthy', usage: { raw: 0, human_readable: '0s' }, limit: { raw: 0, human_readable: '0s' } },
});

/** reana-commons allows only these names in a specification; all of them mean the pool. */
const backends = ['kubernetes', 'htcondorcern', 'slurmcern', 'compute4punch'];

const info = (parts: Parts): unknown => ({
  compute_backends: { title: 'List of supported compute backends', value: backends },
  default_workspace: { title: 'Default workspace', value: parts.workspaces },
  workspaces_available: { title: 'List of available workspaces', value: [parts.workspaces] },
  ...ofSessions(parts),
  ...Object.fromEntries(unlimited.map(([name, title]) => [name, { title, value: null }])),
});

const ofSessions = ({ sessions }: Parts): Record<string, unknown> => ({
  maximum_interactive_session_inactivity_period: {
    title: 'Maximum inactivity period in days before automatic closure of interactive sessions',
    // REANA counts in days, and a text; an hour is a part of one
    value: String(Number((sessions.idle / 86_400).toPrecision(3))),
  },
  interactive_sessions_custom_image_allowed: {
    title: 'Users can set custom interactive session images',
    value: 'True',
  },
  interactive_session_recommended_jupyter_images: {
    title: 'Recommended Jupyter images for interactive sessions',
    value: [sessions.image],
  },
});

/** Limits of Kubernetes, which is not here; null means none. Two for times must not be null, so they are left out. */
const unlimited = [
  ['default_kubernetes_cpu_limit', 'Default CPU limit for Kubernetes jobs'],
  ['default_kubernetes_cpu_request', 'Default CPU request for Kubernetes jobs'],
  ['default_kubernetes_memory_limit', 'Default memory limit for Kubernetes jobs'],
  ['default_kubernetes_memory_request', 'Default memory request for Kubernetes jobs'],
  ['kubernetes_max_cpu_limit', 'Maximum allowed CPU limit for Kubernetes jobs'],
  ['kubernetes_max_cpu_request', 'Maximum allowed CPU request for Kubernetes jobs'],
  ['kubernetes_max_memory_limit', 'Maximum allowed memory limit for Kubernetes jobs'],
  ['kubernetes_max_memory_request', 'Maximum allowed memory request for Kubernetes jobs'],
  ['maximum_workspace_retention_period', 'Maximum retention period in days for workspace files'],
] as const;
