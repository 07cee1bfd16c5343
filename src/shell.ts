/**
 * Quotes one word for a POSIX shell. Plain words stay readable; everything else goes into single quotes.
 * @throws TypeError for a NUL byte, which no shell word can contain
 */
export function quote(word: string): string {
  if (word.includes('\0')) throw new TypeError('a shell word cannot hold a NUL byte');
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * One word in which the shell expands variables, `$NAME` and `${NAME}`, and nothing else: no command in it is run.
 * @throws TypeError for a NUL byte
 */
export function quoteWithVariables(text: string): string {
  if (text.includes('\0')) throw new TypeError('a shell word cannot hold a NUL byte');
  const alive = /\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})|[$"\\`]/g;
  return `"${text.replace(alive, found => (found.length > 1 ? found : `\\${found}`))}"`;
}

/** A command line made of an argument vector. Only here do words become shell text. */
export function commandLine(argv: readonly string[]): string {
  return argv.map(quote).join(' ');
}
