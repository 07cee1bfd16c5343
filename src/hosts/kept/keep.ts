import { type ChildProcess, fork } from 'node:child_process';
import type { Prompter } from '../../credentials/prompts.js';
import { AuthError, ConnectionError, HostKeyError, ScailfinError, TimeoutError, UsageError } from '../../errors.js';
import { door } from '../../paths.js';
import type { AuthOptions } from '../open.js';
import type { SshTarget } from '../target.js';
import type { KeptState } from './place.js';

/** The keeper's orders, sent as its first message. */
export interface KeepRequest {
  readonly target: SshTarget;
  readonly auth?: AuthOptions | undefined;
  readonly canAsk: boolean;
  /** Seconds without use after which it ends. */
  readonly idleLimit: number;
}

/** The keeper's messages while it connects; questions are answered with `{answer}` or `{refused}`, one at a time. */
export type KeeperMessage =
  | { readonly ask: string; readonly echo: boolean }
  | { readonly confirm: string }
  | { readonly note: string }
  | { readonly ready: KeptState }
  | { readonly failed: { error: string; message: string; hint?: string } };

/**
 * Connects in a separate process (the keeper) that continues when this one ends, and asks the user here what the server
 * asks there. Nothing is put on a command line: the request, the answers and the secrets go through a pipe.
 * @param onNote called with notes for the user about how the connection is made
 * @throws AuthError, HostKeyError, ConnectionError, UsageError
 */
export async function keepLogin(
  request: Omit<KeepRequest, 'canAsk'>,
  prompter: Prompter | undefined,
  onNote: (text: string) => void,
): Promise<KeptState> {
  // the terminal's Ctrl-C is for this process, which then closes the pipe to the keeper
  const child = fork(door('keeper'), [], { detached: true, stdio: 'ignore', serialization: 'json', execArgv: [] });
  try {
    return await converse(child, { ...request, canAsk: prompter !== undefined }, prompter, onNote);
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

function converse(
  child: ChildProcess,
  request: KeepRequest,
  prompter: Prompter | undefined,
  onNote: (text: string) => void,
): Promise<KeptState> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => reject(new ConnectionError(`the process that was to keep the login ended (${code})`)));
    child.on('message', (message: KeeperMessage) => {
      if ('ready' in message) resolve(message.ready);
      else if ('failed' in message) reject(revived(message.failed));
      else if ('note' in message) onNote(message.note);
      else if (prompter) {
        const asked =
          'ask' in message ? prompter.ask(message.ask, { echo: message.echo }) : prompter.confirm(message.confirm);
        asked.then(
          answer => child.send({ answer }),
          (error: unknown) => reject(error),
        );
      }
    });
    child.send(request);
  });
}

const classes = { AuthError, ConnectionError, HostKeyError, TimeoutError, UsageError };

function revived({ error, message, hint }: { error: string; message: string; hint?: string }): ScailfinError {
  const known = Object.hasOwn(classes, error) ? classes[error as keyof typeof classes] : ScailfinError;
  return new known(message, { hint });
}
