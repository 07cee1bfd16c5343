/** A piece of text in one style. `link` is where it leads. */
export interface Span {
  readonly text: string;
  readonly style?: 'code' | 'bold';
  readonly link?: string;
}

export type Inline = readonly Span[];

export type Block =
  | { readonly type: 'heading'; readonly level: number; readonly text: Inline }
  | { readonly type: 'paragraph'; readonly text: Inline }
  | { readonly type: 'list'; readonly items: readonly Inline[] }
  | { readonly type: 'code'; readonly lines: readonly string[] }
  | { readonly type: 'table'; readonly head: readonly Inline[]; readonly rows: readonly (readonly Inline[])[] };

/**
 * Reads the part of Markdown that our own texts use: headings, paragraphs, lists of one level, fenced code and tables; within
 * a line code, bold and links. A test checks that the texts use nothing else.
 */
export function readMarkdown(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  /** Takes the lines that `belongs` says yes to. */
  const take = (belongs: (line: string) => boolean): string[] => {
    const end = lines.findIndex(line => !belongs(line));
    return lines.splice(0, end < 0 ? lines.length : end);
  };
  while (lines.length > 0) {
    const line = lines[0] ?? '';
    const heading = /^(#{1,6}) (.*)$/.exec(line);
    if (line.trim() === '') lines.shift();
    else if (heading) {
      lines.shift();
      blocks.push({ type: 'heading', level: heading[1]?.length ?? 1, text: readInline(heading[2] ?? '') });
    } else if (line.startsWith('```')) {
      lines.shift();
      blocks.push({ type: 'code', lines: take(l => !l.startsWith('```')) });
      lines.shift();
    } else if (line.startsWith('|')) {
      const [head = [], , ...rows] = take(l => l.startsWith('|')).map(cellsOf);
      blocks.push({ type: 'table', head, rows });
    } else if (line.startsWith('- ')) {
      const items = take(l => l.startsWith('- ') || l.startsWith('  '))
        .join('\n')
        .split(/^- /m)
        .slice(1);
      blocks.push({ type: 'list', items: items.map(readInline) });
    } else {
      // anything else is text, even if it looks like a block that we do not know; so each turn takes at least one line
      const [first = '', ...more] = [lines.shift() ?? '', ...take(l => l.trim() !== '' && !/^(#|```|\||- )/.test(l))];
      blocks.push({ type: 'paragraph', text: readInline([first, ...more].join('\n')) });
    }
  }
  return blocks;
}

/** A `|` in code is written `\|`, as GitHub wants it. */
function cellsOf(row: string): Inline[] {
  const cells = row
    .trim()
    .replace(/^\|/, '')
    .replace(/\|$/, '')
    .split(/(?<!\\)\|/);
  return cells.map(cell => readInline(cell.trim().replaceAll('\\|', '|')));
}

const marks = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

/** Reads code, bold and links. Italics become plain text, because few terminals show them. */
export function readInline(text: string): Inline {
  const line = text.replaceAll(/\s*\n\s*/g, ' ');
  const spans: Span[] = [];
  let at = 0;
  for (const match of line.matchAll(marks)) {
    const [all, code, bold, slanted, label, link] = match;
    if (match.index > at) spans.push({ text: line.slice(at, match.index) });
    if (code !== undefined) spans.push({ text: code, style: 'code' });
    else if (bold !== undefined) spans.push(...readInline(bold).map(span => ({ style: 'bold' as const, ...span })));
    else if (slanted !== undefined) spans.push({ text: slanted });
    else spans.push({ text: label ?? '', link: link ?? '' });
    at = match.index + all.length;
  }
  if (at < line.length) spans.push({ text: line.slice(at) });
  return spans;
}
