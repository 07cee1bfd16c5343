/** Asks the person at the terminal; absent (undefined) if nobody can answer. */
export interface Prompter {
  /** `text` is shown in the server's own words. */
  ask(text: string, options: { echo: boolean }): Promise<string>;
  confirm(text: string): Promise<boolean>;
}
