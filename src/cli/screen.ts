import type { EventSink } from '../cluster/events.js';
import type { Prompter } from '../credentials/prompts.js';
import type { Word } from './terminal.js';

/** What these commands need of the terminal; `json` asks for data instead of text. */
export interface Output {
  print(...words: readonly Word[]): void;
  printJson(value: unknown): void;
  readonly json: boolean;
  /** Only `check` shows progress and asks. */
  sink?(): Promise<EventSink>;
  prompter?(): Prompter | undefined;
}
