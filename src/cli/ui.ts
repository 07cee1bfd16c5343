import type { Ora } from 'ora';
import type { ClusterEvent, EventSink } from '../cluster/events.js';
import type { Prompter } from '../credentials/prompts.js';
import { InterruptedError, messageOf, ScailfinError } from '../errors.js';

/**
 * The only one that draws. Results go to stdout, all else to stderr; a spinner only where a person watches;
 * with `--json` stdout carries one JSON document and stderr stays quiet but for warnings.
 */
export class Ui {
  json = false;
  #spinner: Ora | undefined;
  #title = '';

  print(text: string): void {
    this.#halt();
    process.stdout.write(`${text}\n`);
  }

  /** For a person, beside the result. */
  say(text: string): void {
    if (this.json) return;
    this.#halt();
    process.stderr.write(`${text}\n`);
  }

  /** Turns events of the cluster's code into a spinner or plain lines. */
  async sink(): Promise<EventSink> {
    const [{ default: chalk }, { default: ora }] = await Promise.all([import('chalk'), import('ora')]);
    const lively = process.stderr.isTTY && process.env.TERM !== 'dumb' && !this.json;
    const paint = process.stderr.isTTY ? chalk : new (await import('chalk')).Chalk({ level: 0 });
    const line = (text: string): void => {
      this.#halt();
      if (!this.json) process.stderr.write(`${text}\n`);
    };
    return (event: ClusterEvent) => {
      switch (event.type) {
        case 'started':
          this.#title = event.title;
          // discarding what is typed would put the terminal into raw mode, in which Ctrl-C is only a letter
          if (lively) this.#spinner = ora({ text: event.title, stream: process.stderr, discardStdin: false }).start();
          break;
        case 'progress':
          if (this.#spinner) this.#spinner.text = `${this.#title} ${paint.dim(event.detail)}`;
          break;
        case 'done':
          line(
            ` ${paint.green('✓')} ${event.title}${paint.dim(`${event.detail ? `: ${event.detail}` : ''} (${seconds(event.ms)})`)}`,
          );
          break;
        case 'failed':
          line(` ${paint.red('✗')} ${event.title} ${paint.dim(`(${seconds(event.ms)})`)}`);
          break;
        case 'warning':
          this.#halt();
          process.stderr.write(`${paint.yellow('warning:')} ${event.text}\n`);
          break;
        case 'note':
          line(event.text);
      }
    };
  }

  /** Asks at the terminal; undefined where nobody sits. */
  prompter(): Prompter | undefined {
    if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
    const context = { output: process.stderr };
    const quietly = async <T>(ask: () => Promise<T>): Promise<T> => {
      const spinning = this.#spinner?.isSpinning;
      this.#spinner?.stop();
      try {
        return await ask();
      } catch (error) {
        // Ctrl-C at a question, which never comes as a signal there
        throw error instanceof Error && error.name === 'ExitPromptError' ? new InterruptedError('SIGINT') : error;
      } finally {
        if (spinning) this.#spinner?.start();
      }
    };
    return {
      ask: (text, { echo }) =>
        quietly(async () => {
          const { input, password } = await import('@inquirer/prompts');
          return echo ? input({ message: text }, context) : password({ message: text }, context);
        }),
      confirm: text =>
        quietly(async () => {
          const { confirm } = await import('@inquirer/prompts');
          return confirm({ message: text, default: false }, context);
        }),
    };
  }

  /** Shows an error and what to type next. @returns the exit status */
  fail(error: unknown): number {
    this.#halt();
    const known = error instanceof ScailfinError;
    if (this.json) {
      process.stdout.write(`${JSON.stringify(known ? error : { error: 'Error', message: messageOf(error) })}\n`);
    } else {
      process.stderr.write(`error: ${messageOf(error)}\n`);
      if (known && error.hint) process.stderr.write(`  → ${error.hint}\n`);
    }
    if (!known && error instanceof Error) {
      process.stderr.write('this is a mistake in scailfin itself; please report it with these lines:\n');
      process.stderr.write(`${error.stack ?? ''}\n`);
    }
    return known ? error.exitCode : 1;
  }

  #halt(): void {
    this.#spinner?.stop();
    this.#spinner = undefined;
  }
}

const seconds = (ms: number): string => (ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
