import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { kindOf } from './helpers/kinds.js';
import { ofChoice } from './helpers/rendered.js';

const files = [...(await ofChoice('local-upstream'))].filter(([name, text]) => kindOf(name, text) === 'python');

/** REANA 0.9.4's images have Python 3.8: no newer grammar, whatever Python reads it here. */
const read = 'import ast, sys; ast.parse(sys.stdin.read(), feature_version=(3, 8))';
const complaint = (text: string): string =>
  spawnSync('python3', ['-c', read], { input: text, encoding: 'utf8' }).stderr.trim().split('\n').pop() ?? '';

it.each(files)('rendered: %s is Python', (_, text) => expect(complaint(text)).toBe(''));

it('and would not be with newer grammar, or none', () => {
  expect(files.length).toBeGreaterThan(5);
  expect(complaint('match 1:\n  case _: pass\n')).toContain('SyntaxError');
  expect(complaint('def f(:\n')).toContain('SyntaxError');
});
