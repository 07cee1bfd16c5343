import path from 'node:path';

/** Replaces `%x` by its value (ssh_config(5), TOKENS); an unknown token stays as it is. */
export function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/%(.)/g, (all, name: string) => values[name] ?? all);
}

/** Replaces `${NAME}` by the variable's value; an unknown variable stays as it is. */
export function environment(text: string, env: NodeJS.ProcessEnv): string {
  return text.replace(/\$\{([^}]+)\}/g, (all, name: string) => env[name] ?? all);
}

/** An absolute path; relative ones begin at the home directory. */
export function expandHome(file: string, home: string): string {
  return file === '~' || file.startsWith('~/') ? path.join(home, file.slice(1)) : path.resolve(home, file);
}

/** The words of a line of ssh_config(5); quotes keep one together. */
export function splitWords(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(m => m[1] ?? m[2] ?? '');
}

/**
 * The paths of a line that has lost its quotes, as `ssh -G` and the package ssh-config print it: a word that does not begin like a path belongs to
 * the path before it.
 */
export function splitUnquoted(text: string): string[] {
  const paths: string[] = [];
  for (const word of text.split(' ')) {
    const begins = /^[/~%$]|^none$/i.test(word);
    if (begins || paths.length === 0) paths.push(word);
    else paths.push(`${paths.pop()} ${word}`);
  }
  return paths.map(file => file.trim()).filter(file => file !== '');
}
