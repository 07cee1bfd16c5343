import type { AnyAuthMethod } from 'ssh2';
import type { Prompter } from '../credentials/prompts.js';
import { AuthError, messageOf, ScailfinError } from '../errors.js';
import { printable } from '../printable.js';
import { KeyboardInteractive, type Round } from './kbdint.js';
import type { RawMethod } from './rawauth.js';
import type { SshSettings } from './sshconfig.js';

/** ssh_config(5), NumberOfPasswordPrompts. Each try is typed by the person; no answer is ever sent twice. */
const promptTries = 3;

/**
 * Passes the server's questions to the user: keyboard-interactive (RFC 4256) in the server's words, and passwords. Once
 * the user has answered a keyboard-interactive question, no password is tried: the answer may be a one-time code, and a
 * second method would use up a second attempt at the site.
 */
export class Questions {
  readonly #settings: SshSettings;
  readonly #prompter: Prompter | undefined;
  #interactive = 0;
  #passwords = 0;
  #wasAsked = false;
  #remarks: string[] = [];

  /** The question in the server's words that nobody could answer. */
  unanswered: string | undefined;
  /** The server's last text without a question. */
  announcement: string | undefined;
  /** Ends the whole login from inside a question. */
  onFailure: (error: ScailfinError) => void = () => {};

  constructor(settings: SshSettings, prompter: Prompter | undefined) {
    this.#settings = settings;
    this.#prompter = prompter;
  }

  /** Shown once, above the next question. */
  remark(text: string): void {
    this.#remarks.push(text);
  }

  /** An answer was right and another is wanted: tries are counted again from one. */
  onwards(): void {
    this.#interactive = 0;
    this.#passwords = 0;
    this.#wasAsked = false;
  }

  keyboardInteractive(): RawMethod | undefined {
    const again = this.#interactive > 0;
    if (this.#interactive >= promptTries || (again && !this.#wasAsked)) return undefined;
    this.#interactive += 1;
    if (again) this.remark('That was not accepted; try again.');
    return new KeyboardInteractive(this.#settings.user, round => this.#round(round));
  }

  async password(): Promise<AnyAuthMethod | undefined> {
    if (this.#passwords >= promptTries || this.#wasAsked) return undefined;
    const { user: username, host } = this.#settings;
    const prompt = `${username}@${host}'s password: `;
    if (this.#prompter === undefined) {
      this.unanswered = prompt.trim();
      return undefined;
    }
    this.#passwords += 1;
    if (this.#passwords > 1) this.remark('That was not accepted; try again.');
    return { type: 'password', username, password: await this.#ask(this.#prompter, [prompt], false) };
  }

  async #round(round: Round): Promise<string[]> {
    try {
      return await this.#answers(round);
    } catch (error) {
      this.onFailure(error instanceof ScailfinError ? error : new AuthError(messageOf(error), { cause: error }));
      return new Promise(() => {}); // the connection is being closed, so no answer is sent
    }
  }

  /** As in ssh, each prompt names the host that asks: with a jump host, two hosts may ask with the same words. */
  async #answers({ name, instruction, prompts }: Round): Promise<string[]> {
    const { user, host, alias } = this.#settings;
    const said = [name, instruction].filter(text => text.trim() !== '');
    if (prompts.length === 0) {
      this.#announced(said.join('\n'));
      return [];
    }
    this.#wasAsked = true;
    const prompter = this.#prompter;
    if (prompter === undefined) {
      this.unanswered = printable(prompts.map(p => p.prompt.trim()).join(' '));
      throw new AuthError(`${alias} asks ${user} for ${JSON.stringify(this.unanswered)}, and nobody can answer`);
    }
    const answers: string[] = [];
    for (const [index, { prompt, echo }] of prompts.entries()) {
      const heading = index === 0 ? said : [];
      answers.push(await this.#ask(prompter, [...heading, `(${user}@${host}) ${prompt}`], echo));
    }
    return answers;
  }

  #announced(text: string): void {
    if (text === '') return;
    this.announcement = printable(text).trim();
    this.remark(this.announcement);
  }

  async #ask(prompter: Prompter, lines: readonly string[], echo: boolean): Promise<string> {
    const remarks = this.#remarks;
    this.#remarks = [];
    return prompter.ask(printable([...remarks, ...lines].join('\n')), { echo });
  }
}

/** What to do about a question that nobody could answer. */
export function unansweredHint({ user, alias, port }: SshSettings): string {
  const place = `${user}@${alias}${port === 22 ? '' : `:${port}`}`;
  return `on a terminal, scailfin login ${place} asks once for all later commands; or name a key with IdentityFile in ~/.ssh/config`;
}
