/**
 * A glob as REANA's: `*`, `?`, `[…]`, `**` for any number of directories, hidden files too; braces and the like are
 * letters. Whatever a pattern is, a path is matched in a time that is the product of their lengths at most: one that is
 * made into a regular expression may take for ever.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const parts = pattern.split('/').map(part => (part === '**' ? undefined : partOf(part)));
  // what is below a directory is not the directory
  if (parts.length > 1 && parts.at(-1) === undefined) parts.push([many]);
  return path => {
    const names = path.split('/').map(name => [...name]);
    // any number of names stands for `**`
    return fits(
      parts,
      names,
      part => part === undefined,
      (part, name) => part !== undefined && fitsName(part, name),
    );
  };
}

/** A letter, or any (`?`), or any number of any (`*`), or one of a class. */
type Token = string | typeof any | typeof many | ((letter: string) => boolean);
const any = Symbol('?');
const many = Symbol('*');

const fitsName = (tokens: readonly Token[], name: readonly string[]): boolean =>
  fits(tokens, name, token => token === many, fitsLetter);

const fitsLetter = (token: Token, letter: string): boolean =>
  token === any || token === letter || (typeof token === 'function' && token(letter));

/**
 * Whether items stand for all texts, in this order. What takes any number takes as few as it can, and one more each time
 * that what follows does not fit: only the last of them is ever thought over again.
 */
function fits<Item, Text>(
  items: readonly Item[],
  texts: readonly Text[],
  isMany: (item: Item) => boolean,
  fitsOne: (item: Item, text: Text) => boolean,
): boolean {
  let [item, text] = [0, 0];
  let again: { readonly item: number; text: number } | undefined;
  while (text < texts.length) {
    const now = items[item] as Item;
    if (item < items.length && isMany(now)) {
      item++;
      again = { item, text };
    } else if (item < items.length && fitsOne(now, texts[text] as Text)) {
      item++;
      text++;
    } else if (again) {
      again.text++;
      item = again.item;
      text = again.text;
    } else return false;
  }
  while (item < items.length && isMany(items[item] as Item)) item++;
  return item === items.length;
}

function partOf(part: string): Token[] {
  const letters = [...part];
  const tokens: Token[] = [];
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at] as string;
    if (letter === '*') {
      if (tokens.at(-1) !== many) tokens.push(many);
    } else if (letter === '?') tokens.push(any);
    else if (letter === '\\') tokens.push(letters[++at] ?? '\\');
    else if (letter === '[') {
      const end = endOfClass(letters, at);
      tokens.push(end < 0 ? '[' : classOf(letters.slice(at + 1, end)));
      at = Math.max(at, end);
    } else tokens.push(letter);
  }
  return tokens;
}

/** @returns where the bracket is that closes it; -1: it is a letter. The first one in a class is a letter of it. */
function endOfClass(letters: readonly string[], start: number): number {
  const first = start + (letters[start + 1] === '!' || letters[start + 1] === '^' ? 2 : 1);
  return letters.indexOf(']', first + 1);
}

function classOf(letters: readonly string[]): (letter: string) => boolean {
  const isNot = letters[0] === '!' || letters[0] === '^';
  const members = isNot ? letters.slice(1) : letters;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < members.length; at++) {
    const [from = '', dash, to] = members.slice(at, at + 3);
    if (dash === '-' && to !== undefined) {
      ranges.push([from, to]);
      at += 2;
    } else ranges.push([from, from]);
  }
  return letter => ranges.some(([from, to]) => from <= letter && letter <= to) !== isNot;
}
