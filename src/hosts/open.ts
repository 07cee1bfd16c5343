import type { Prompter } from '../credentials/prompts.js';
import type { Host } from './host.js';
import type { HostKeyVerdict } from './hostkeys.js';
import { LocalHost } from './local.js';
import type { SshTarget } from './target.js';

/** Where to run: this machine, or a host named as for ssh (an alias of ~/.ssh/config will do). */
export type HostTarget = { readonly kind: 'local' } | ({ readonly kind: 'ssh' } & SshTarget);

export interface OpenOptions {
  /** Answers for the person; without one, whatever needs an answer is an error that says what was asked. */
  readonly prompter?: Prompter | undefined;
  /** Instead of ~/.ssh/config and /etc/ssh/ssh_config; `none` reads neither. */
  readonly configFile?: string | undefined;
  /** HOME, SSH_AUTH_SOCK and what the configuration names with ${…}; default process.env. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Milliseconds for each step of connecting that waits for the network, not for a person; default ConnectTimeout, else 30 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Said on the command line or in a site profile; goes before ~/.ssh/config. */
  readonly auth?: AuthOptions | undefined;
  /** Told of each host on the way, itself last, once its key is settled. */
  readonly onHostKey?: ((alias: string, verdict: HostKeyVerdict) => void) | undefined;
  /** Told what the person should know of how it is done. */
  readonly onNote?: ((text: string) => void) | undefined;
}

export interface AuthOptions {
  /** Private keys to use, tried before all others. */
  readonly identityFiles?: readonly string[] | undefined;
  /** Use only these (and the agent's copies of them). */
  readonly identitiesOnly?: boolean | undefined;
  /** The command that gets a new certificate, for hints. */
  readonly renewal?: string | undefined;
}

/**
 * Opens a host. ssh2 is loaded only when it is needed: it costs more than all the rest of the start.
 * @throws ConnectionError, HostKeyError, AuthError, UsageError (a mistake in ~/.ssh/config)
 */
export async function openHost(target: HostTarget, options: OpenOptions = {}): Promise<Host> {
  if (target.kind === 'local') return new LocalHost();
  const { SshHost } = await import('./ssh.js');
  return SshHost.connect(target, options);
}
