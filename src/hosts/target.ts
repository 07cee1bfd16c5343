import { UsageError } from '../errors.js';

/** Who speaks SSH: the library ssh2 in this process, or a program of the system. */
export const transports = ['ssh2', 'openssh', 'gsissh'] as const;
export type Transport = (typeof transports)[number];

/** A host as the user names it, before ~/.ssh/config has its say. */
export interface SshTarget {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** Unless said, ssh2, and the system's ssh where ~/.ssh/config wants what ssh2 can't. */
  readonly transport?: Transport;
  /** The site takes proxies (GSI), and may be given one for what is to be done there. */
  readonly gsi?: { readonly delegate: boolean };
}

/**
 * `user@host:port`, `ssh://user@host:port`, `[::1]:22` (ssh_config(5), ProxyJump).
 * @throws UsageError for anything else
 */
export function parseTarget(text: string): SshTarget {
  const bare = text.trim().replace(/^ssh:\/\//, '');
  const m =
    /^(?:(?<user>.+)@)?(?:\[(?<six>[^\]]+)\]|(?<host>[^@:[\]]+)|(?<raw>[0-9A-Fa-f:]+))(?::(?<port>\d+))?\/?$/.exec(
      bare,
    );
  const host = m?.groups?.six ?? m?.groups?.host ?? m?.groups?.raw;
  if (host === undefined || host.startsWith('-')) {
    throw new UsageError(`${JSON.stringify(text)} is not a host`, { hint: 'write it as user@host:port' });
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
 * Hosts and users reach shells by ProxyCommand and Match exec, and ssh as arguments; a profile that somebody else wrote
 * names both. What OpenSSH refuses (ssh.c, valid_hostname and valid_ruser) is refused whoever speaks.
 * @throws UsageError
 */
export function checkTarget({ host, user }: Pick<SshTarget, 'host' | 'user'>): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/^-|[\s\u0000-\u001f\u007f'`"$\\;&<>|(){},]/.test(host) || host === '')
    throw new UsageError(`${JSON.stringify(host)} can't be a host's name`, { hint: 'write it as user@host:port' });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (user !== undefined && (user === '' || /^-|\s-|[\u0000-\u001f\u007f'`";&<>|(){}$]|\\$/.test(user)))
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
