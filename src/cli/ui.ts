import type { Ora } from 'ora';
import type { ClusterEvent, EventSink } from '../cluster/events.js';
import type { Prompter } from '../credentials/prompts.js';
import { InterruptedError, messageOf, ProfileError, ScailfinError } from '../errors.js';
import { inLine } from '../printable.js';
import {
  clearScreen,
  harmless,
  hasColours,
  painted,
  show,
  showAsIs,
  showJson,
  showLog,
  showScript,
  textWidth,
  type Word,
} from './terminal.js';

/**
 * The only class that draws. Results go to stdout, everything else to stderr; a spinner is shown only on a terminal. With
 * `--json`, stdout has one JSON document and stderr only warnings. All text goes through `terminal.ts`, which makes text
 * from others harmless.
 */
export class Ui {
  json = false;
  #spinner: Ora | undefined;
  #title = '';

  print(...words: readonly Word[]): void {
    this.#halt();
    show('stdout', ...words);
  }

  /** The result for a program: complete, and still harmless on a terminal. @param indent 0: on one line */
  printJson(value: unknown, indent = 2): void {
    this.#halt();
    showJson(value, indent);
  }

  /** Code for a shell. */
  printScript(text: string): void {
    showScript(text);
  }

  /** A log written by others. */
  printLog(text: string): void {
    this.#halt();
    showLog(text);
  }

  /** For output that is repeated. */
  clear(): void {
    clearScreen();
  }

  /** For a person, in addition to the result. */
  say(...words: readonly Word[]): void {
    if (this.json) return;
    this.#halt();
    show('stderr', ...words);
  }

  /** The width and colours that a text for standard output has to fit. */
  look(): { width: number; colours: boolean } {
    return { width: textWidth(), colours: hasColours('stdout') };
  }

  /** Help, and text that belongs to it. */
  help(to: 'stdout' | 'stderr', text: string): void {
    if (to === 'stdout' || !this.json) showAsIs(to, text);
  }

  /** Shows events of the cluster's code as a spinner or as plain lines. */
  async sink(): Promise<EventSink> {
    const lively = process.stderr.isTTY && process.env.TERM !== 'dumb' && !this.json;
    const ora = lively ? (await import('ora')).default : undefined;
    return (event: ClusterEvent) => {
      switch (event.type) {
        case 'started':
          this.#title = inLine(event.title);
          // discarding typed characters would set raw mode, in which Ctrl-C sends no signal
          this.#spinner = ora?.({ text: this.#title, stream: process.stderr, discardStdin: false }).start();
          break;
        case 'progress':
          if (this.#spinner) this.#spinner.text = `${this.#title} ${painted('stderr', ['dim', inLine(event.detail)])}`;
          break;
        case 'done': {
          const detail = event.detail ? `: ${event.detail}` : '';
          this.say(' ', ['green', '✓'], ` ${event.title}`, ['dim', `${detail} (${seconds(event.ms)})`]);
          break;
        }
        case 'failed':
          this.say(' ', ['red', '✗'], ` ${event.title} `, ['dim', `(${seconds(event.ms)})`]);
          break;
        case 'warning':
          this.#halt();
          show('stderr', ['yellow', 'warning:'], ` ${event.text}`);
          break;
        case 'note':
          this.say(event.text);
      }
    };
  }

  /** Asks at the terminal; undefined if there is none. */
  prompter(): Prompter | undefined {
    if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
    const context = { output: process.stderr };
    const quietly = async <T>(ask: () => Promise<T>): Promise<T> => {
      const spinning = this.#spinner?.isSpinning;
      this.#spinner?.stop();
      try {
        return await ask();
      } catch (error) {
        // Ctrl-C at a question; it does not come as a signal there
        throw error instanceof Error && error.name === 'ExitPromptError' ? new InterruptedError('SIGINT') : error;
      } finally {
        if (spinning) this.#spinner?.start();
      }
    };
    return {
      ask: (text, { echo }) =>
        quietly(async () => {
          const { input, password } = await import('@inquirer/prompts');
          const message = harmless(text);
          return echo ? input({ message }, context) : password({ message }, context);
        }),
      confirm: text =>
        quietly(async () => {
          const { confirm } = await import('@inquirer/prompts');
          return confirm({ message: harmless(text), default: false }, context);
        }),
    };
  }

  /** Shows an error and its hint. @returns the exit status */
  fail(error: unknown): number {
    this.#halt();
    const known = error instanceof ScailfinError;
    if (this.json) {
      showJson(known ? error : { error: 'Error', message: messageOf(error) });
    } else {
      show('stderr', `error: ${quoting(messageOf(error), error instanceof ProfileError)}`);
      if (known && error.hint) show('stderr', `  → ${error.hint}`);
    }
    if (!known && error instanceof Error) {
      show('stderr', 'this is a bug in scailfin; please report it with these lines:');
      show('stderr', error.stack ?? '');
    }
    return known ? error.exitCode : 1;
  }

  #halt(): void {
    this.#spinner?.stop();
    this.#spinner = undefined;
  }
}

const seconds = (ms: number): string => (ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

const mostLines = 200;

/** Errors may quote others: their lines must not look like ours or like a hint, and must not fill the screen. */
function quoting(message: string, isOurs: boolean): string {
  const [first, ...more] = harmless(message).split('\n');
  const lines = isOurs ? more : more.map(line => line.replace(/^(\s*)→/, '$1>').replace(/^(?=\S)/, '  '));
  const left = lines.length - mostLines;
  const cut = left > 0 ? [...lines.slice(0, mostLines), `… and ${left} more lines`] : lines;
  return [first, ...cut].join('\n');
}
