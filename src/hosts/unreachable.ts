import { ConnectionError } from '../errors.js';
import type { SshSettings } from './sshconfig.js';

/** @param why the reason in words */
export function unreachable(settings: SshSettings, why: string, cause?: unknown): ConnectionError {
  const { host, port, alias } = settings;
  const named = alias === host ? '' : ` (${alias})`;
  return new ConnectionError(`can't reach ${host}${named} at port ${port}: ${why}`, {
    hint: `check the name, the port and the network: ssh ${port === 22 ? '' : `-p ${port} `}${settings.user}@${host}`,
    cause,
  });
}

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name could not be looked up (no answer from DNS)',
  ECONNREFUSED: 'connection refused (nothing listens there, or a firewall refuses)',
  ECONNRESET: 'it closed the connection',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to its network',
};

/** The reason of a failed connection attempt in words. */
export function inWords(error: NodeJS.ErrnoException): string {
  return words[error.code ?? ''] ?? (error.message || (error.code ?? 'unknown reason'));
}
