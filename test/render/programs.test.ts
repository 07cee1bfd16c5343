import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { type Kind, kindOf } from './helpers/kinds.js';
import { ofChoice } from './helpers/rendered.js';

const all = await Promise.all(['local-upstream', 'bridges-bosco'].map(ofChoice));
const files = (kind: Kind) => all.flatMap(one => [...one].filter(([name, text]) => kindOf(name, text) === kind));

/** REANA 0.9.4's images have Python 3.8: no newer grammar, whatever Python reads it here. */
const python = ['python3', '-c', 'import ast, sys; ast.parse(sys.stdin.read(), feature_version=(3, 8))'];
/** The end of input is all it gets to do. */
const awk = ['sh', '-c', 'exec awk "$(cat)" /dev/null >/dev/null'];

const complaint = ([program, ...args]: string[], text: string): string =>
  spawnSync(program as string, args, { input: text, encoding: 'utf8' })
    .stderr.trim()
    .split('\n')
    .pop() ?? '';

it.each(files('python'))('rendered: %s is Python', (_, text) => expect(complaint(python, text)).toBe(''));

it.each(files('awk'))('rendered: %s is awk', (_, text) => expect(complaint(awk, text)).toBe(''));

it('and would not be with newer grammar, or none', () => {
  expect(files('python').length).toBeGreaterThan(5);
  expect(complaint(python, 'match 1:\n  case _: pass\n')).toContain('SyntaxError');
  expect(complaint(python, 'def f(:\n')).toContain('SyntaxError');
  expect(files('awk')).toHaveLength(3);
  expect(complaint(awk, 'END { print (1 }\n')).not.toBe('');
});
