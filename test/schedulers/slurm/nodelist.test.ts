import { expect, it } from 'vitest';
import { nodesIn } from '../../../src/schedulers/slurm/nodelist.js';

it.each([
  ['c1', ['c1']],
  ['c[1-2]', ['c1', 'c2']],
  ['nid[00099-00101,00200],gpu-a', ['nid00099', 'nid00100', 'nid00101', 'nid00200', 'gpu-a']],
  ['r[0-1]n[1-2]', ['r0n1', 'r0n2', 'r1n1', 'r1n2']],
  ['(Priority)', []],
  ['c[1-', []],
  ['c[0-999999999]', []],
])('the nodes of %s', (text, nodes) => {
  expect(nodesIn(text)).toEqual(nodes);
});
