import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';
import { texts } from './texts.js';

/** As GitHub names headings. */
const anchorsOf = (text: string): string[] =>
  [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** @returns what is wrong with the links of a text */
function wrongLinks(file: string, text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^https:\/\/[\w.-]+\.[a-z]+(\/|$)/.test(link)) return [];
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : normalize(join(dirname(file), path));
    if (target.startsWith('..') || !existsSync(join(packageRoot, target))) return [`${link}: there is no ${target}`];
    if (anchor === undefined) return [];
    const anchors = anchorsOf(readFileSync(join(packageRoot, target), 'utf8'));
    return anchors.includes(anchor) ? [] : [`${link}: ${target} has no such heading`];
  });
}

it.each([...texts])('every link of %s leads somewhere', (file, text) => {
  expect(wrongLinks(file, text)).toEqual([]);
});

it('knows a link that leads nowhere', () => {
  expect(wrongLinks('README.md', '[a](no.md) [b](#no) [c](docs/help/sites.md#check-it) [d](http://x)')).toHaveLength(3);
});

it('the package has every text that a text of its help leads to, or says that it is in the source', () => {
  const shipped = /^(docs\/help|examples|sites|templates)\/|^(README|CHANGELOG)\.md$/;
  const elsewhere = [...texts].flatMap(([file, text]) =>
    file.startsWith('docs/help/')
      ? [...text.matchAll(/\]\((\.\.\/[^)#]+)/g)].map(([, link = '']) => normalize(join(dirname(file), link)))
      : [],
  );
  for (const path of elsewhere.filter(p => !shipped.test(p)))
    expect(['src/SECURITY.md', 'test/README.md']).toContain(path);
});
