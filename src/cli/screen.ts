import type { EventSink } from '../cluster/events.js';
import type { Prompter } from '../credentials/prompts.js';
import type { Word } from './terminal.js';

/** What these commands need from the terminal; `json` means data instead of text. */
export interface Output {
  print(...words: readonly Word[]): void;
  printJson(value: unknown): void;
  readonly json: boolean;
  /** Only `check` shows progress and asks questions. */
  sink?(): Promise<EventSink>;
  prompter?(): Prompter | undefined;
}
