import type { AnyAuthMethod, Prompt } from 'ssh2';
import type { Prompter } from '../credentials/prompts.js';
import { AuthError, messageOf, ScailfinError } from '../errors.js';
import { agentIdentities, type Identity, type KeyFile, keyFile } from './identities.js';
import type { RawMethod } from './rawauth.js';
import type { SshSettings } from './sshconfig.js';

/** ssh_config(5), NumberOfPasswordPrompts. Each try is typed by the person; we never repeat an answer. */
const promptTries = 3;

/**
 * Decides what to try next when a server asks who we are (RFC 4252): `none` to learn what it takes, then keys of the
 * agent, key files, keyboard-interactive (RFC 4256) and passwords. Says afterwards what was tried.
 */
export class Authenticator {
  readonly #settings: SshSettings;
  readonly #prompter: Prompter | undefined;
  readonly #tried: string[] = [];
  readonly #refused: AuthError[] = [];
  #offered: readonly string[] = [];
  #identities: (() => Promise<Identity | undefined>)[] | undefined;
  #last: Identity | undefined;
  #interactive = 0;
  #passwords = 0;
  #asked = false;

  /** Called with an error that ends the attempt from inside a prompt. */
  onFailure: (error: ScailfinError) => void = () => {};

  constructor(settings: SshSettings, prompter?: Prompter) {
    this.#settings = settings;
    this.#prompter = prompter;
  }

  /**
   * The next attempt, or false when nothing is left.
   * @param left what the server still takes; null before the first answer
   * @param partial the last attempt was right, but another must follow
   */
  async next(left: readonly string[] | null, partial: boolean): Promise<AnyAuthMethod | RawMethod | false> {
    const username = this.#settings.user;
    if (left === null) return { type: 'none', username };
    const last = this.#last;
    this.#last = undefined;
    // ssh2 forgets what the server said after an agent's key. Where the key was taken, this asks again.
    if (last?.signed) return { type: 'none', username };
    if (last?.failure) this.note(last.failure);
    this.#offered = left;
    if (partial) {
      this.#interactive = 0;
      this.#passwords = 0;
    }
    if (left.includes('publickey')) {
      const identity = await this.#nextIdentity();
      if (identity !== undefined) {
        this.#last = identity;
        this.#tried.push(identity.label);
        return { type: 'agent', username, agent: identity };
      }
    }
    if (left.includes('keyboard-interactive') && this.#interactive < promptTries) {
      if (this.#interactive > 0 && !this.#asked) this.#interactive = promptTries;
      else {
        this.#interactive += 1;
        this.#asked = false;
        this.#tried.push('keyboard-interactive');
        return { type: 'keyboard-interactive', username, prompt: (...request) => this.#answer(...request) };
      }
    }
    if (left.includes('password') && this.#prompter && this.#passwords < promptTries && !this.#asked) {
      this.#passwords += 1;
      this.#tried.push('password');
      const password = await this.#prompter.ask(`${username}@${this.#settings.host}'s password: `, { echo: false });
      return { type: 'password', username, password };
    }
    return false;
  }

  /** Why nobody was let in. */
  error(because?: string): AuthError {
    const { user, host, alias } = this.#settings;
    const tried = [...new Set(this.#tried)];
    const parts = [
      `${alias} did not accept ${user}${because === undefined ? '' : `: ${because}`}`,
      `tried: ${tried.length > 0 ? tried.join(', ') : 'nothing, for want of a key'}`,
      ...(this.#offered.length > 0 ? [`the server takes: ${this.#offered.join(', ')}`] : []),
      ...this.#refused.map(r => r.message),
    ];
    const passwordLeft = this.#prompter === undefined && this.#offered.includes('password');
    const hint =
      this.#refused.find(r => r.hint !== undefined)?.hint ??
      (passwordLeft
        ? 'run it on a terminal to type the password, or give a key with IdentityFile in ~/.ssh/config'
        : `see what a plain login says: ssh -v ${user}@${host}`);
    return new AuthError(parts.join('\n  '), { hint });
  }

  async #nextIdentity(): Promise<Identity | undefined> {
    this.#identities ??= await this.#plan();
    for (;;) {
      const make = this.#identities.shift();
      if (make === undefined) return undefined;
      try {
        const identity = await make();
        if (identity !== undefined) return identity;
      } catch (error) {
        this.note(error);
      }
    }
  }

  /** ssh's order: agent keys that the configuration names, other agent keys (unless IdentitiesOnly), then files. */
  async #plan(): Promise<(() => Promise<Identity | undefined>)[]> {
    const files = this.#settings.identityFiles.flatMap((file): KeyFile[] => {
      try {
        const found = keyFile(file);
        if (found === undefined && this.#settings.identitiesNamed) this.note(new AuthError(`there is no key ${file}`));
        return found === undefined ? [] : [found];
      } catch (error) {
        this.note(error);
        return [];
      }
    });
    const held = this.#settings.agent === undefined ? [] : await agentIdentities(this.#settings.agent);
    const same = (file: KeyFile, key: Identity): boolean =>
      file.publicKey?.getPublicSSH().equals(key.publicKey.getPublicSSH()) === true;
    const named = held.filter(key => files.some(file => same(file, key)));
    const others = this.#settings.identitiesOnly ? [] : held.filter(key => !named.includes(key));
    const alone = files.filter(file => !held.some(key => same(file, key)));
    return [
      ...[...named, ...others].map(key => async () => key),
      ...alone.map(file => async () => file.identity?.(this.#prompter)),
    ];
  }

  #answer(
    name: string,
    instructions: string,
    _language: string,
    prompts: Prompt[],
    finish: (answers: string[]) => void,
  ): void {
    this.#asked = true;
    const said = prompts.map(p => p.prompt.trim()).join(' ');
    const prompter = this.#prompter;
    if (prompter === undefined) {
      const { alias, user } = this.#settings;
      this.onFailure(
        new AuthError(
          `${this.error().message}\n  ${alias} asks ${user} for ${JSON.stringify(said)}, and nobody can answer`,
          {
            hint: 'run it on a terminal, or use a key that needs no question',
          },
        ),
      );
      return;
    }
    const answers: string[] = [];
    const ask = async (): Promise<void> => {
      for (const [index, { prompt, echo }] of prompts.entries()) {
        const heading = index === 0 ? [name, instructions].filter(t => t.trim() !== '') : [];
        answers.push(await prompter.ask([...heading, prompt].join('\n'), { echo: echo === true }));
      }
    };
    ask().then(
      () => finish(answers),
      (error: unknown) => this.onFailure(asScailfin(error)),
    );
  }

  /** Something that was tried came to nothing before the server could judge it. */
  note(error: unknown): void {
    this.#refused.push(error instanceof AuthError ? error : new AuthError(messageOf(error)));
  }
}

function asScailfin(error: unknown): ScailfinError {
  return error instanceof ScailfinError ? error : new AuthError(messageOf(error), { cause: error });
}
