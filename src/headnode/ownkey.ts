import { CommandError, ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';

/** A key with which a headnode may log in to a site for one purpose, if its user's own login does not do there. */
export interface OwnKey {
  /** Absolute; the cluster's directory at the site. */
  readonly siteDir: string;
  /** How its line in authorized_keys ends; `keys_forget` in templates/site/keys.sh lists all of them. */
  readonly mark: 'scailfin' | 'scailfin-relay';
}

/** sshd and the account's login shell interpret the command of a key in their own ways. */
export const isPlainPath = (path: string): boolean => /^[\w@%+=:,./~-]+$/.test(path);

/**
 * Lets a key log in to the site: it may run this command and nothing else.
 * @param host the login node, as the user reaches it
 * @param command of plain words, without quotes
 * @param key `TYPE BASE64`
 * @param hint for whoever can't have the key there
 */
export async function letIn(
  host: Host,
  { siteDir, mark }: OwnKey,
  command: readonly string[],
  key: string,
  hint: string,
): Promise<void> {
  const script = `${templateText('site/keys.sh')}\nset -u\numask 077\nkey_let_in "$@"`;
  const args = [siteDir, `${mark}:${siteDir}`, command.join(' '), key];
  await runScript(host, script, args).catch(error => {
    if (!(error instanceof CommandError)) throw error;
    throw new ScailfinError(`could not add a key to ~/.ssh/authorized_keys on ${host.name}: ${error.stderr.trim()}`, {
      hint,
    });
  });
}

/** Removes the cluster's key from the site's authorized_keys. */
export async function forget(host: Host, { siteDir, mark }: OwnKey): Promise<void> {
  await runScript(host, `${templateText('site/keys.sh')}\nkey_forget "$@"`, [siteDir, `${mark}:${siteDir}`]);
}
