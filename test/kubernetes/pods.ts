import { stringify } from 'yaml';

/** What `kubectl exec` and `kubectl logs` find in pods. */
export interface Pods {
  /** Commands of `kubectl exec` run on this machine, in this folder, by container; `` for all others. */
  readonly exec?: Readonly<Record<string, { readonly dir: string; readonly env?: Readonly<Record<string, string>> }>>;
  /** Files with what containers have said, by container. */
  readonly logs?: Readonly<Record<string, { readonly file: string; readonly previous?: string }>>;
  /** A port of 127.0.0.1 that `kubectl port-forward` leads to, whichever of a pod's is asked for. */
  readonly forward?: number;
}

/** kwok's configuration, document by document. */
export function podsConfig({ exec = {}, logs = {}, forward }: Pods): string[] {
  const execs = Object.entries(exec).map(([container, { dir, env = {} }]) => ({
    ...(container && { containers: [container] }),
    local: { workDir: dir, envs: Object.entries(env).map(([name, value]) => ({ name, value })) },
  }));
  const files = Object.entries(logs).map(([container, { file, previous }]) => ({
    ...(container && { containers: [container] }),
    logsFile: file,
    ...(previous !== undefined && { previousLogsFile: previous }),
    follow: true,
  }));
  const forwards = [{ target: { port: forward, address: '127.0.0.1' } }];
  return [
    ...(forward === undefined ? [] : [document('ClusterPortForward', { forwards })]),
    ...(execs.length > 0 ? [document('ClusterExec', { execs })] : []),
    ...(files.length > 0 ? [document('ClusterLogs', { logs: files })] : []),
  ];
}

function document(kind: string, spec: object): string {
  return stringify({ apiVersion: 'kwok.x-k8s.io/v1alpha1', kind, metadata: { name: 'pods' }, spec });
}
