import type { Prompter } from '../../src/credentials/prompts.js';

/** Answers from a list, and remembers what was asked. */
export class ScriptedPrompter implements Prompter {
  readonly asked: string[] = [];
  readonly echoed: boolean[] = [];

  constructor(
    private readonly answers: string[],
    private readonly yes = true,
  ) {}

  async ask(text: string, options: { echo: boolean }): Promise<string> {
    this.asked.push(text);
    this.echoed.push(options.echo);
    const answer = this.answers.shift();
    if (answer === undefined) throw new Error(`nobody expected ${JSON.stringify(text)}`);
    return answer;
  }

  async confirm(text: string): Promise<boolean> {
    this.asked.push(text);
    return this.yes;
  }
}
