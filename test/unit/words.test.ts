import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';

/** Phrases that readers stumbled over, or second names for one thing, with the words to write instead. */
const plainer: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/\b(?:the|an|each|every|its|no|one) engines?\b/i, 'workflow engine, container engine'],
  [/\bleads? (?:a |the )?(?:local )?port\b/i, 'forward a port'],
  [/\bcancel(?:ed|ing)\b/i, 'cancelled, cancelling'],
  [/\btak(?:en?|es) back\b/i, 'cancel'],
  [/\bgood for nothing\b/i, 'revoked, useless'],
  [/\btold (?:of|apart)\b/i, 'reported, distinguished'],
  [/\b(?:go|goes|gone|going|went) on (?:where|with)\b/i, 'continue'],
  [/\bh(?:a|u)ngs? up\b/i, 'close the connection'],
  [/\bcan['’]t be had\b/i, 'is not available, can’t be fetched'],
  [/\bwithout a word\b/i, 'suddenly, without a message'],
  [/\bonce and for all\b/i, 'permanently'],
  [/\bburns? (?:the|an|your) allocation\b/i, 'use up the allocation'],
  [/\bwhat they miss\b/i, 'missing prerequisites'],
  [/\bstands? still\b/i, 'does not grow, waits'],
  [
    /(?<!there )\bis no (?:answer|certificate|file|job|JSON|link|list|name|number|option|path|plain|proxy)\b/i,
    'is not a …',
  ],
];

/** Texts that people read: code with its comments and messages, scripts, and pages. */
function texts(): string[] {
  const below = ['src', 'templates', 'sites', 'docs'].flatMap(folder =>
    readdirSync(join(packageRoot, folder), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && !entry.name.startsWith('requirements'))
      .map(entry => join(entry.parentPath, entry.name)),
  );
  const pages = readdirSync(packageRoot).filter(name => name.endsWith('.md'));
  return [...below, ...pages.map(name => join(packageRoot, name))];
}

it('says the same things in the same plain words everywhere', () => {
  const found = texts().flatMap(file => {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.flatMap((line, n) =>
      plainer.flatMap(([phrase, instead]) => {
        const said = phrase.exec(line)?.[0];
        return said === undefined ? [] : [`${relative(packageRoot, file)}:${n + 1}: "${said}"; write: ${instead}`];
      }),
    );
  });
  expect(found).toEqual([]);
});
