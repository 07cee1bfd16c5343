import { stringify } from 'yaml';

/** What `kubectl exec`, `kubectl logs` and `kubectl port-forward` find in pods. */
export interface Pods {
  /**
   * Commands of `kubectl exec` run on this machine, in this folder, by container; `` for all others. They have these
   * variables and no others; their program is found in these ones' PATH.
   */
  readonly exec?: Readonly<Record<string, { readonly dir: string; readonly env?: Readonly<Record<string, string>> }>>;
  /** Files with what containers have said, by container: lines of a time, `stdout` or `stderr`, `F`, and the text. */
  readonly logs?: Readonly<Record<string, { readonly file: string; readonly previous?: string }>>;
  /** A port of 127.0.0.1 that `kubectl port-forward` leads to, whichever of a pod's is asked for. */
  readonly forward?: number;
}

/** kwok's configuration for logs and ports, document by document; commands are not its own. */
export function podsConfig({ logs = {}, forward }: Pods): string[] {
  const files = Object.entries(logs).map(([container, { file, previous }]) => ({
    ...(container && { containers: [container] }),
    logsFile: file,
    ...(previous !== undefined && { previousLogsFile: previous }),
    follow: true,
  }));
  const forwards = [{ target: { port: forward, address: '127.0.0.1' } }];
  return [
    ...(forward === undefined ? [] : [document('ClusterPortForward', { forwards })]),
    ...(files.length > 0 ? [document('ClusterLogs', { logs: files })] : []),
  ];
}

function document(kind: string, spec: object): string {
  return stringify({ apiVersion: 'kwok.x-k8s.io/v1alpha1', kind, metadata: { name: 'pods' }, spec });
}
