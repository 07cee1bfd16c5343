import { AuthError } from '../errors.js';
import type { Prompter } from './prompts.js';

/** Where passphrases come from: a person, who may mistype, or a file, where asking again is of no use. */
export interface Passphrases {
  readonly tries: number;
  /** @param text what is wanted, as a person is shown it @throws AuthError when nobody can answer */
  ask(text: string): Promise<string>;
}

/** @param prompter undefined where nobody sits @param hint what to type then */
export function asked(prompter: Prompter | undefined, hint: string): Passphrases {
  return {
    tries: 3,
    ask: async text => {
      if (prompter) return prompter.ask(text, { echo: false });
      throw new AuthError(`nobody can be asked: ${text.replace(/:\s*$/, '')}`, { hint });
    },
  };
}

/** The same answer to everything. */
export const given = (passphrase: string): Passphrases => ({ tries: 1, ask: async () => passphrase });

/**
 * Opens something with a passphrase.
 * @param open undefined when the passphrase is wrong
 * @param hint how to try it without us
 * @throws AuthError after the last try; an empty answer gives up, as with ssh
 */
export async function unlock<T>(
  what: string,
  passphrases: Passphrases,
  open: (passphrase: string) => T | undefined,
  hint: string,
): Promise<T> {
  for (let tries = 0; tries < passphrases.tries; tries++) {
    const passphrase = await passphrases.ask(`Enter passphrase for ${what}: `);
    if (passphrase === '') break;
    const opened = open(passphrase);
    if (opened !== undefined) return opened;
  }
  throw new AuthError(`the passphrase of ${what} is not right`, { hint });
}
