/** The words of each command between pipes and semicolons, without quotes and redirections. */
export function simpleCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  const token =
    /\s+|(\d*[<>]+&?\d*\s*)|(\|\|?|&&?|;|\n)|((?:"(?:[^"\\]|\\[\s\S])*"|'[^']*'|\\[\s\S]|[^\s"'\\|&;<>])+)|[\s\S]/g;
  let redirected = false;
  for (const [, redirect, end, word] of line.matchAll(token)) {
    if (redirect) redirected = !/&\d+\s*$/.test(redirect);
    else if (end) commands.push([]);
    else if (word !== undefined) {
      if (!redirected) commands.at(-1)?.push(unquote(word));
      redirected = false;
    }
  }
  return commands.filter(words => words.length > 0);
}

function unquote(word: string): string {
  return word.replaceAll(/"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'|\\([\s\S])/g, (_, double, single, escaped) =>
    double !== undefined ? double.replaceAll(/\\(["\\$`])/g, '$1') : (single ?? escaped),
  );
}
