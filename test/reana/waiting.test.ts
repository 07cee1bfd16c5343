import { describe, expect, it } from 'vitest';
import { misfit } from '../../src/reana/jobs/waiting.js';

const GiB = 1 << 20;
const small = { cores: 4, memory: 8192, disk: 20 * GiB };
const wide = { cores: 32, memory: 4096, disk: 20 * GiB };

describe('why a step waits', () => {
  it('is not told where a glide-in could run it, and is only busy', () => {
    expect(misfit({ cores: 4, memory: 8192, disk: GiB }, [small, wide])).toBeUndefined();
    expect(misfit({ cores: 32, memory: 4096, disk: 20 * GiB }, [small, wide])).toBeUndefined();
  });

  it.each([
    ['no glide-in is in the pool now', { cores: 1, memory: 1, disk: 1 }, []],
    ['no glide-in has 64 cores (the largest has 32 cores)', { ...wide, cores: 64 }, [small, wide]],
    ['no glide-in has 16 GiB of memory (the largest has 8 GiB)', { ...small, memory: 16_384 }, [small, wide]],
    [
      'no glide-in has 33 cores (the largest has 32 cores), nor 21 GiB of disk (the largest has 20 GiB)',
      { cores: 33, memory: 1, disk: 21 * GiB },
      [small, wide],
    ],
    [
      'no glide-in has 8 cores, 8 GiB of memory, 10 GiB of disk together',
      { ...small, cores: 8, disk: 10 * GiB },
      [small, wide],
    ],
  ])('%s', (reason, needs, rooms) => expect(misfit(needs, rooms)).toBe(reason));
});
