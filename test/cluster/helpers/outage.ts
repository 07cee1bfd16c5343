import type { Lab } from '../../lab/lab.js';
import { statusOf } from './cluster.js';

const pool = (cluster: string): string => `/home/scail/.scailfin/${cluster}/pool`;

/** The process on the host `headnode` that keeps the relays of a cluster. */
export async function relayPid(lab: Lab, cluster: string): Promise<string> {
  return (await lab.exec('headnode', ['cat', `${pool(cluster)}/relay/relay.pid`])).stdout.trim();
}

/** What status tells of the cluster's first site's relay. */
export async function relayOf(lab: Lab, cluster: string) {
  return (await statusOf(lab, 'headnode', cluster)).sites[0]?.relay;
}

/** A log of the pool's own. */
export async function poolLog(lab: Lab, cluster: string, name: string): Promise<string> {
  return lab.read('headnode', `${pool(cluster)}/log/${name}`, { user: 'scail' });
}

/** Ends the SSH connection of the relay, as seen from one of its ends. */
export async function cutAt(lab: Lab, side: 'headnode' | 'login'): Promise<void> {
  const argv =
    side === 'login' ? ['pkill', '-9', '-u', 'alice', 'sshd'] : ['ss', '-K', 'dst', '10.77.0.10', 'dport', '=', '22'];
  await lab.exec(side, argv, { user: 'root' });
}
