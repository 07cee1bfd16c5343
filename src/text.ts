/*
 * For text that another machine chose. A regular expression that looks for an end from every beginning, or that may cut a
 * run of blanks in several ways, takes the square of the text's length or more; these take its length.
 */

/** What stands between each `open` and the next `close` behind it. */
export function* between(text: string, open: string, close: string): Generator<string> {
  for (let at = text.indexOf(open); at >= 0; ) {
    const start = at + open.length;
    const end = text.indexOf(close, start);
    if (end < 0) return;
    yield text.slice(start, end);
    at = text.indexOf(open, end + close.length);
  }
}

/** The text without what it ends with, as far as that is blanks or any of these characters. */
export function trimEndOf(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && (characters.includes(text[end - 1] as string) || (text[end - 1] as string).trim() === '')) end -= 1;
  return text.slice(0, end);
}

/** A line of somebody's words for a message; no person reads more of it. */
export function abridged(line: string, most = 1_000): string {
  return line.length > most ? `${line.slice(0, most - 3)}...` : line;
}

/** Adds to the list that a map keeps under a key. */
export function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
