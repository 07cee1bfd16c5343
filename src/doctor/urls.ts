/** The result of a request to a URL. */
export interface UrlAnswer {
  readonly url: string;
  readonly answers: boolean;
  readonly words: string;
  /** It answers only by an HTTP proxy. */
  readonly proxied?: true;
}

/** A line of urls.sh. */
export function urlAnswer(line: string): UrlAnswer {
  const [url = '', verb, ...words] = line.split(' ');
  const proxied =
    verb === 'answers' && words.slice(1, 4).join(' ') === 'by the proxy' ? { proxied: true as const } : {};
  return { url, answers: verb === 'answers', words: words.join(' '), ...proxied };
}
