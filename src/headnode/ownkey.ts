import { CommandError, LeftoverError, ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';

/** A key that may log in for one purpose. */
export interface OwnKey {
  /** Absolute; the cluster's directory on that host. */
  readonly dir: string;
  /** How its line in authorized_keys ends; `keys_forget` in templates/site/keys.sh lists all of them. */
  readonly mark: 'scailfin' | 'scailfin-relay' | 'scailfin-share';
  /** Whose key it is, if there can be several with this mark: one word. */
  readonly person?: string;
}

const markOf = ({ dir, mark, person }: OwnKey): string => `${mark}:${dir}${person === undefined ? '' : `:${person}`}`;

/** sshd and the account's login shell interpret the command of a key in their own ways. */
export const isPlainPath = (path: string): boolean => /^[\w@%+=:,./~-]+$/.test(path);

/** What a line of authorized_keys says of a key that may run this command and nothing else. @param command plain words */
export const onlyRuns = (command: readonly string[]): string => `restrict,command="${command.join(' ')}"`;

/** The key is in authorized_keys for something else, which it would lose. */
const KNOWN = 8;

/**
 * Lets a key log in to a host for one purpose.
 * @param host as the user reaches it
 * @param options what sshd(8) reads before a key in authorized_keys, such as `onlyRuns`
 * @param key `TYPE BASE64`
 * @param hint for whoever can't have the key there
 */
export async function letIn(host: Host, own: OwnKey, options: string, key: string, hint: string): Promise<void> {
  const script = `${templateText('site/keys.sh')}\nset -u\numask 077\nkey_let_in "$@"`;
  const args = [own.dir, markOf(own), options, key];
  await runScript(host, script, args).catch(error => {
    if (!(error instanceof CommandError)) throw error;
    if (error.exitStatus === KNOWN)
      throw new ScailfinError(
        `this key can log in to ${host.name} already, by another line of ~/.ssh/authorized_keys`,
        {
          hint: 'nothing was changed there; use another key, such as one that ssh-keygen makes for this purpose',
        },
      );
    throw new ScailfinError(`could not add a key to ~/.ssh/authorized_keys on ${host.name}: ${error.stderr.trim()}`, {
      hint,
    });
  });
}

/** Removes a key from a host's authorized_keys. @throws LeftoverError if it is still there */
export async function forget(host: Host, own: OwnKey): Promise<void> {
  const out = await runScript(host, `${templateText('site/keys.sh')}\nkey_forget "$@"`, [own.dir, markOf(own)]);
  const left = keyValues(out.stdout).get('left') ?? [];
  if (left.length > 0) throw new LeftoverError(`a key could not be removed from ${host.name}:`, left);
}

/** The people of whom a host's authorized_keys has a line with this mark. */
export async function peopleWith(host: Host, { dir, mark }: OwnKey): Promise<string[]> {
  const script = 'cat "$HOME/.ssh/authorized_keys" 2>/dev/null || true';
  const words = (await runScript(host, script, [])).stdout.split('\n').map(line => line.split(' ').at(-1) ?? '');
  const begin = `${mark}:${dir}:`;
  return words.flatMap(word => (word.startsWith(begin) ? [word.slice(begin.length)] : []));
}
