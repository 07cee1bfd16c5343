import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/paths.js';

/** All our Markdown, by its path. */
export const texts: ReadonlyMap<string, string> = new Map(
  execFileSync('find', ['.', '-name', '*.md', '-not', '-path', '*/node_modules/*', '-not', '-path', './dist/*'], {
    cwd: packageRoot,
    encoding: 'utf8',
  })
    .split('\n')
    .filter(Boolean)
    .map(name => name.slice(2))
    .sort()
    .map(name => [name, readFileSync(join(packageRoot, name), 'utf8')]),
);

/** What stands between fences, line by line, and what stands between backticks in the lines around them. */
export function codeIn(text: string): { blocks: string[]; spans: string[] } {
  const blocks: string[] = [];
  const prose = text.replaceAll(/^```.*\n([\s\S]*?)^```/gm, (_, block: string) => {
    blocks.push(...block.split('\n').filter(Boolean));
    return '';
  });
  // a blank line ends what a lone backtick began
  const spans = prose
    .split(/\n\s*\n/)
    .flatMap(part => [...part.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll(/\s*\n\s*/g, ' ')));
  return { blocks, spans };
}
