import { layOutTable } from './columns.js';
import type { Block } from './markdown.js';
import { type Line, type Look, pieces, plain, wrapped } from './words.js';

/** Lays a text out for a terminal. Code blocks are not broken: they are there to be copied. */
export function layOut(blocks: readonly Block[], look: Look): Line[] {
  return blocks.flatMap((block, n) => [...(n > 0 ? [[]] : []), ...layOutBlock(block, look)]);
}

function layOutBlock(block: Block, look: Look): Line[] {
  switch (block.type) {
    case 'heading':
      return layOutHeading(plain(block.text), look);
    case 'paragraph':
      return wrapped(pieces(block.text, look), look.width);
    case 'list':
      return block.items.flatMap(item =>
        wrapped(pieces(item, look), look.width - 2).map((line, n) => [n === 0 ? '- ' : '  ', ...line]),
      );
    case 'code':
      return block.lines.map(line => (line === '' ? [] : ['    ', ['cyan', line] as const]));
    case 'table':
      return layOutTable(block.head, block.rows, look);
  }
}

/** Bold; where there are no colours, with a line of dashes below it. */
function layOutHeading(text: string, look: Look): Line[] {
  const lines = wrapped(pieces([{ text, style: 'bold' }], look), look.width);
  return look.colours ? lines : [...lines, ['-'.repeat(Math.min(text.length, look.width))]];
}
