import { describe, expect, it } from 'vitest';
import { type Hostile, tooSlow } from '../attack/growth.js';

const many = (sign: string): Hostile => ({ name: `many ${JSON.stringify(sign)}`, make: size => sign.repeat(size) });
const isInOrder = (text: string): unknown => text.split('\n').map(line => line.trim());

describe('a reading that takes longer than its text is long', () => {
  it('is found, and not hidden by quick ones beside it', () => {
    // from each of its characters a run is tried anew
    const slow = (text: string): unknown => /a+b/.test(text);
    expect(tooSlow([isInOrder, slow, isInOrder], many('a'))).toHaveLength(1);
  });

  it('is told from one that reads its text once', () => {
    for (const sign of ['a', ' ', '\n']) expect(tooSlow([isInOrder], many(sign))).toEqual([]);
  });
});
