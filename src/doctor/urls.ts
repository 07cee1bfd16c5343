/** The result of a request to a URL. */
export interface UrlAnswer {
  readonly url: string;
  readonly answers: boolean;
  readonly words: string;
}

/** A line of urls.sh. */
export function urlAnswer(line: string): UrlAnswer {
  const [url = '', verb, ...words] = line.split(' ');
  return { url, answers: verb === 'answers', words: words.join(' ') };
}
