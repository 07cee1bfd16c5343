/*
 * For text from other machines. A regular expression that looks for an end from every beginning, or that can split a run of
 * blanks in several ways, needs a time that grows with the square of the text's length or faster; these functions need a
 * time proportional to the length.
 */

/** The text between each `open` and the next `close` after it. */
export function* between(text: string, open: string, close: string): Generator<string> {
  for (let at = text.indexOf(open); at >= 0; ) {
    const start = at + open.length;
    const end = text.indexOf(close, start);
    if (end < 0) return;
    yield text.slice(start, end);
    at = text.indexOf(open, end + close.length);
  }
}

/** The text without blanks or any of these characters at its end. */
export function trimEndOf(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && (characters.includes(text[end - 1] as string) || (text[end - 1] as string).trim() === '')) end -= 1;
  return text.slice(0, end);
}

/** A line of foreign text for a message, shortened: nobody reads more of it. */
export function abridged(line: string, most = 1_000): string {
  return line.length > most ? `${line.slice(0, most - 3)}...` : line;
}

/** Appends a value to the list that a map has for a key. */
export function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** A text's UTF-8 in base64. */
export const base64 = (text: string): string => Buffer.from(text).toString('base64');
