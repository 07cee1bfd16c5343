// @ts-nocheck -- it runs as it is, for each command anew: no compiler between
// What the doubles of docker, podman and minikube share: a world in a file, what is to go wrong in it, and how command
// lines are read. The wrapper that starts a double names its folder in DOUBLE.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const dir = process.env.DOUBLE;
const empty = { containers: [], volumes: [], networks: [], images: [] };

/** The engine's world: each thing has a name and its labels. */
export function world(engine) {
  try {
    return JSON.parse(readFileSync(`${dir}/${engine}.json`, 'utf8'));
  } catch {
    return structuredClone(empty);
  }
}

export function keep(engine, state) {
  writeFileSync(`${dir}/${engine}.new`, JSON.stringify(state));
  renameSync(`${dir}/${engine}.new`, `${dir}/${engine}.json`);
}

/** What a test wants to go wrong: name → what exactly. */
export function trouble(name) {
  try {
    return JSON.parse(readFileSync(`${dir}/trouble.json`, 'utf8'))[name];
  } catch {
    return undefined;
  }
}

/** Every call is noted, so that a test can see what was asked. */
export function note(program, words) {
  writeFileSync(`${dir}/calls`, `${JSON.stringify([program, ...words])}\n`, { flag: 'a' });
}

/**
 * Reads a command line as Go's pflag does. `flags`: name → 'switch' or 'value'; short names are given as themselves.
 * @returns values by long name, and the words between; `unknown` is the first flag that isn't known
 */
export function read(words, flags) {
  const values = {};
  const rest = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === '--') {
      rest.push(...words.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      rest.push(word);
      continue;
    }
    const [, name, given] = /^--?([^=]+)(?:=(.*))?$/s.exec(word);
    const kind = flags[name];
    if (!kind)
      return {
        unknown: word.startsWith('--') ? `unknown flag: --${name}` : `unknown shorthand flag: '${name[0]}' in ${word}`,
      };
    const value = given ?? (kind.value ? words[++i] : 'true');
    if (value === undefined) return { unknown: `flag needs an argument: --${name}` };
    values[kind.name ?? name] = [...(values[kind.name ?? name] ?? []), value];
  }
  return { values, rest };
}

export function end(status, { out = '', err = '' } = {}) {
  if (out) process.stdout.write(out.endsWith('\n') ? out : `${out}\n`);
  if (err) process.stderr.write(err.endsWith('\n') ? err : `${err}\n`);
  process.exit(status);
}
