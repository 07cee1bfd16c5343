import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { ScailfinError } from '../errors.js';
import type { ClusterHere } from '../frameworks/service.js';
import { packageRoot } from '../paths.js';
import { isAlive, type ProcessId, ranHere, thisProcess } from './process.js';

/** A process of ours that forwards a local port to one framework of a cluster, as long as the cluster is up. */
export interface Tunnel extends ProcessId {
  readonly port: number;
}

/** The process's message once it listens, or can't. */
export type TunnelMessage = { readonly ready: Tunnel } | { readonly failed: { message: string; hint?: string } };

const fileOf = (journalDir: string, framework: string): string => join(journalDir, `tunnel-${framework}.json`);

/**
 * The tunnel to a framework on this machine, if there is one. @param journalDir the cluster's own directory
 * @param framework its name
 */
export function tunnelOf(journalDir: string, framework: string): Tunnel | undefined {
  const file = fileOf(journalDir, framework);
  if (!existsSync(file)) return undefined;
  try {
    const tunnel = JSON.parse(readFileSync(file, 'utf8')) as Tunnel;
    return ranHere(tunnel) && isAlive(tunnel) && isOurPort(tunnel.port) ? tunnel : undefined;
  } catch {
    return undefined; // it was removed meanwhile
  }
}

/**
 * Whether only this user listens on a local port: a client that connects will send a token. True if this can't be
 * checked.
 */
function isOurPort(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const listeners = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(file =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .map(line => line.trim().split(/\s+/))
      : [],
  );
  // sl, local address, remote address, state (0A: listens), …, uid (proc_pid_net(5))
  const uids = listeners.flatMap(f => (f[3] === '0A' && f[1]?.endsWith(`:${hex}`) ? [Number(f[7])] : []));
  return listeners.length === 0 || (uids.length > 0 && uids.every(uid => uid === process.getuid?.()));
}

/** Records this process as the tunnel. */
export function keepTunnel(journalDir: string, framework: string, port: number): Tunnel {
  const tunnel = { ...thisProcess(), port };
  writeFileAtomic.sync(fileOf(journalDir, framework), JSON.stringify(tunnel), { mode: 0o600 });
  return tunnel;
}

/**
 * The existing tunnel to a framework, or a new one.
 * @param options for `scailfin connect`
 * @throws ScailfinError with the error of the process that could not connect
 */
export async function openTunnel(
  { cluster, folder }: ClusterHere,
  framework: string,
  options: readonly string[] = [],
): Promise<Tunnel> {
  const kept = tunnelOf(folder, framework);
  if (kept) return kept;
  const program = join(packageRoot, 'bin', 'scailfin.js');
  const child = fork(program, ['connect', cluster, '--kept', '--framework', framework, ...options], {
    ...{ detached: true, stdio: 'ignore', execArgv: [] },
  });
  try {
    const ended = once(child, 'exit').then(
      ([status]): TunnelMessage => ({ failed: { message: `scailfin connect ended with status ${status}` } }),
    );
    const said = once(child, 'message').then(([message]) => message as TunnelMessage);
    const answer = await Promise.race([said, ended]);
    if ('ready' in answer) return answer.ready;
    const { message, hint } = answer.failed;
    throw new ScailfinError(message, { hint });
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** Ends the tunnels of a cluster. @returns the names of the frameworks to which there was one */
export function closeTunnels(journalDir: string): string[] {
  const names = readdirSync(journalDir).flatMap(file => /^tunnel-(.+)\.json$/.exec(file)?.[1] ?? []);
  return names.filter(framework => {
    const tunnel = tunnelOf(journalDir, framework);
    if (tunnel) process.kill(tunnel.pid, 'SIGTERM');
    rmSync(fileOf(journalDir, framework), { force: true });
    return tunnel !== undefined;
  });
}
