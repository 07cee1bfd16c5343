import { UsageError } from '../errors.js';
import { abridged } from '../text.js';

/** Which SSH client to use: the library ssh2 in this process, or a program of the system. */
export const transports = ['ssh2', 'openssh', 'gsissh'] as const;
export type Transport = (typeof transports)[number];

/** A host as the user names it, before ~/.ssh/config is applied. */
export interface SshTarget {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** Default: ssh2, or the system's ssh if ~/.ssh/config needs what ssh2 does not support. */
  readonly transport?: Transport;
  /** The site accepts proxies (GSI), and may get one (delegation) for its work. */
  readonly gsi?: { readonly delegate: boolean };
}

/**
 * `user@host:port`, `ssh://user@host:port`, `[::1]:22` (ssh_config(5), ProxyJump).
 * @throws UsageError for anything else
 */
export function parseTarget(text: string): SshTarget {
  const bare = text.trim().replace(/^ssh:\/\//, '');
  const pattern =
    /^(?:(?<user>.+)@)?(?:\[(?<six>[^\]]+)\]|(?<host>[^@:[\]]+)|(?<raw>[0-9A-Fa-f:]+))(?::(?<port>\d+))?\/?$/;
  // a host name has at most 253 characters (RFC 1035)
  const m = bare.length > 1_000 ? null : pattern.exec(bare);
  const host = m?.groups?.six ?? m?.groups?.host ?? m?.groups?.raw;
  if (host === undefined || host.startsWith('-')) {
    throw new UsageError(`${JSON.stringify(abridged(text, 200))} is not a host`, {
      hint: 'write it as user@host:port',
    });
  }
  const { user, port } = m?.groups ?? {};
  checkTarget({ host, ...(user === undefined ? {} : { user }) });
  return {
    host,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port: wholeNumber('the port', port, 1, 65535) }),
  };
}

/**
 * Hosts and users get into shell commands through ProxyCommand and Match exec, and into the arguments of ssh; both may
 * come from a profile that somebody else wrote. What OpenSSH refuses (ssh.c, valid_hostname and valid_ruser) is refused
 * for every transport.
 * @throws UsageError
 */
export function checkTarget({ host, user }: Pick<SshTarget, 'host' | 'user'>): void {
  if (/^-|[\s\p{Cc}'`"$\\;&<>|(){},]/u.test(host) || host === '')
    throw new UsageError(`${JSON.stringify(host)} can't be a host's name`, { hint: 'write it as user@host:port' });
  if (user !== undefined && (user === '' || /^-|\s-|[\p{Cc}'`";&<>|(){}$]|\\$/u.test(user)))
    throw new UsageError(`${JSON.stringify(user)} can't be a user's name`, { hint: 'give it by --user NAME' });
}

/** @throws UsageError */
export function wholeNumber(what: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`${what} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
  }
  return value;
}
