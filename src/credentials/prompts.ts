/** Asks the person at the terminal; absent (undefined) where nobody can answer. */
export interface Prompter {
  /** `text` is shown as the server worded it. */
  ask(text: string, options: { echo: boolean }): Promise<string>;
  confirm(text: string): Promise<boolean>;
}
