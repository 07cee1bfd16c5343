import type { AnyAuthMethod, Prompt } from 'ssh2';
import type { Prompter } from '../credentials/prompts.js';
import { AuthError, messageOf, ScailfinError } from '../errors.js';
import { printable } from './printable.js';
import type { SshSettings } from './sshconfig.js';

/** ssh_config(5), NumberOfPasswordPrompts. Each try is typed by the person; no answer is ever sent twice. */
const promptTries = 3;

/**
 * Asks the person what the server asks: keyboard-interactive (RFC 4256), as the server words it, and passwords.
 * Once something was answered by keyboard-interactive, no password is tried: what the person has may be a one-time code,
 * and a second method would use up a second try at the site.
 */
export class Questions {
  readonly #settings: SshSettings;
  readonly #prompter: Prompter | undefined;
  #interactive = 0;
  #passwords = 0;
  #wasAsked = false;
  #remarks: string[] = [];

  /** What nobody was there to answer, as the server words it. */
  unanswered: string | undefined;
  /** Ends the whole attempt from inside a question. */
  onFailure: (error: ScailfinError) => void = () => {};

  constructor(settings: SshSettings, prompter: Prompter | undefined) {
    this.#settings = settings;
    this.#prompter = prompter;
  }

  /** Shown once, above the next question. */
  remark(text: string): void {
    this.#remarks.push(text);
  }

  /** An answer was right and another is wanted: counting starts again. */
  onwards(): void {
    this.#interactive = 0;
    this.#passwords = 0;
    this.#wasAsked = false;
  }

  keyboardInteractive(): AnyAuthMethod | undefined {
    const again = this.#interactive > 0;
    if (this.#interactive >= promptTries || (again && !this.#wasAsked)) return undefined;
    this.#interactive += 1;
    if (again) this.remark('That was not accepted; try again.');
    return {
      type: 'keyboard-interactive',
      username: this.#settings.user,
      prompt: (name, instructions, _language, prompts, finish) => {
        this.#wasAsked = true;
        this.#answers(name, instructions, prompts).then(finish, (error: unknown) => this.onFailure(asScailfin(error)));
      },
    };
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

  /** As ssh does, each prompt says who asks: with a jump host, two may ask in the same words. */
  async #answers(name: string, instructions: string, prompts: readonly Prompt[]): Promise<string[]> {
    const { user, host, alias } = this.#settings;
    const prompter = this.#prompter;
    if (prompter === undefined) {
      this.unanswered = printable(prompts.map(p => p.prompt.trim()).join(' '));
      throw new AuthError(`${alias} asks ${user} for ${JSON.stringify(this.unanswered)}, and nobody can answer`);
    }
    const answers: string[] = [];
    for (const [index, { prompt, echo }] of prompts.entries()) {
      const heading = index === 0 ? [name, instructions].filter(t => t.trim() !== '') : [];
      answers.push(await this.#ask(prompter, [...heading, `(${user}@${host}) ${prompt}`], echo === true));
    }
    return answers;
  }

  async #ask(prompter: Prompter, lines: readonly string[], echo: boolean): Promise<string> {
    const remarks = this.#remarks;
    this.#remarks = [];
    return prompter.ask(printable([...remarks, ...lines].join('\n')), { echo });
  }
}

function asScailfin(error: unknown): ScailfinError {
  return error instanceof ScailfinError ? error : new AuthError(messageOf(error), { cause: error });
}
