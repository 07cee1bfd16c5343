import { AuthError } from '../errors.js';
import type { Prompter } from './prompts.js';

/** The source of passphrases: a person, who may mistype, or a file, for which a second try is useless. */
export interface Passphrases {
  readonly tries: number;
  /** @param text the question shown to a person @throws AuthError if nobody can answer */
  ask(text: string): Promise<string>;
}

/** @param prompter undefined if nobody sits at a terminal @param hint what to type in that case */
export function asked(prompter: Prompter | undefined, hint: string): Passphrases {
  return {
    tries: 3,
    ask: async text => {
      if (prompter) return prompter.ask(text, { echo: false });
      throw new AuthError(`nobody can be asked: ${text.replace(/:\s*$/, '')}`, { hint });
    },
  };
}

/** Answers one question after the other from the lines of a text. @param where the source of the text, for errors */
export function listed(text: string, where: string): Passphrases {
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  return {
    tries: 1,
    ask: async wanted => {
      const next = lines.shift();
      if (next !== undefined) return next;
      throw new AuthError(`${where} has no further line for: ${wanted.replace(/:\s*$/, '')}`);
    },
  };
}

/**
 * Opens something with a passphrase.
 * @param open returns undefined if the passphrase is wrong
 * @param hint how to try the passphrase without scailfin
 * @throws AuthError after the last try; an empty answer gives up, as in ssh
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

/** A new passphrase; a person types it twice. @throws AuthError if the two differ */
export async function askNew(passphrases: Passphrases, what: string): Promise<string> {
  const first = await passphrases.ask(`Enter a new passphrase for ${what}: `);
  if (passphrases.tries === 1 || first === (await passphrases.ask('Again: '))) return first;
  throw new AuthError('the two passphrases differ', { hint: 'try again' });
}
