import type { Prompter } from '../credentials/prompts.js';
import type { Host } from './host.js';
import type { HostKeyVerdict } from './hostkeys.js';
import { LocalHost } from './local.js';
import type { SshTarget } from './target.js';

/** Where to run: this machine, or a host named as for ssh (an alias of ~/.ssh/config is accepted). */
export type HostTarget = { readonly kind: 'local' } | ({ readonly kind: 'ssh' } & SshTarget);

export interface OpenOptions {
  /** Asks the user; without one, every question becomes an error that says what was asked. */
  readonly prompter?: Prompter | undefined;
  /** To be read instead of ~/.ssh/config and /etc/ssh/ssh_config; `none` reads neither. */
  readonly configFile?: string | undefined;
  /** HOME, SSH_AUTH_SOCK and the variables that the configuration uses as ${…}; default process.env. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /**
   * Milliseconds for each step of connecting that waits for the network, not for a person; default ConnectTimeout,
   * otherwise 30 000.
   */
  readonly connectTimeoutMs?: number | undefined;
  /** From the command line or a site profile; takes precedence over ~/.ssh/config. */
  readonly auth?: AuthOptions | undefined;
  /** Called for each host on the way, the target last, once its key is accepted. */
  readonly onHostKey?: ((alias: string, verdict: HostKeyVerdict) => void) | undefined;
  /** Called with notes for the user about how the connection is made. */
  readonly onNote?: ((text: string) => void) | undefined;
}

export interface AuthOptions {
  /** Private keys to use; they are tried before all others. */
  readonly identityFiles?: readonly string[] | undefined;
  /** Use only these keys (and the agent's copies of them). */
  readonly identitiesOnly?: boolean | undefined;
  /** The command that gets a new certificate, for hints. */
  readonly renewal?: string | undefined;
}

/**
 * Opens a host. ssh2 is loaded only if it is needed, because it takes longer than the rest of the start-up.
 * @throws ConnectionError, HostKeyError, AuthError, UsageError (an error in ~/.ssh/config)
 */
export async function openHost(target: HostTarget, options: OpenOptions = {}): Promise<Host> {
  if (target.kind === 'local') return new LocalHost();
  const { SshHost } = await import('./ssh.js');
  return SshHost.connect(target, options);
}
