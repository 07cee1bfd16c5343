/**
 * A glob as in REANA: `*`, `?`, `[…]`, `**` for any number of directories; hidden files match, and braces are ordinary
 * letters. The time of a match is at most the product of the lengths of pattern and path; a regular expression made from
 * a pattern could take forever.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const parts = pattern.split('/').map(part => (part === '**' ? undefined : partOf(part)));
  // a pattern for the content of a directory does not match the directory itself
  if (parts.length > 1 && parts.at(-1) === undefined) parts.push([many]);
  return path => {
    const names = path.split('/').map(name => [...name]);
    // `**` stands for any number of names
    return fits(
      parts,
      names,
      part => part === undefined,
      (part, name) => part !== undefined && fitsName(part, name),
    );
  };
}

/** A letter, or any letter (`?`), or any number of letters (`*`), or one letter of a class. */
type Token = string | typeof any | typeof many | ((letter: string) => boolean);
const any = Symbol('?');
const many = Symbol('*');

const fitsName = (tokens: readonly Token[], name: readonly string[]): boolean =>
  fits(tokens, name, token => token === many, fitsLetter);

const fitsLetter = (token: Token, letter: string): boolean =>
  token === any || token === letter || (typeof token === 'function' && token(letter));

/**
 * Whether the items match all texts, in this order. An item that matches any number first takes as few as possible, and
 * one more each time the rest does not match; only the last such item is ever tried again.
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

/**
 * @returns the position of the closing bracket; -1 if there is none, and the bracket is a letter. The first letter in a
 * class always belongs to it.
 */
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
