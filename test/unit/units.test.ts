import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clock, formatDuration, formatMemory, parseDuration, parseMemory } from '../../src/units.js';

const seconds = fc.integer({ min: 1, max: 400 * 86400 });

describe('durations', () => {
  it.each([
    ['90s', 90],
    ['10m', 600],
    ['10 min', 600],
    ['2h', 7200],
    ['1.5h', 5400],
    ['1d12h', 129600],
    ['1d 12h 5m', 129900],
    ['02:00:00', 7200],
    ['100:00:00', 360000],
    ['1-12:00:00', 129600],
    ['1-12:30', 131400],
    [' 2H ', 7200],
  ])('%s', (text, expected) => expect(parseDuration(text)).toBe(expected));

  it.each([
    ...['', ' ', '0', '10', '0s', '0:00:00', '-1h', '1h-', 'h', '1.h', '.5h', '1y', '1h x', '1:2:3:4', '1:99:00'],
    // minutes to Slurm and PBS, hours to LSF
    ...['10:00', '2:30'],
    ...['1e3s', '٣h', 'NaN', 'Infinity', `${'9'.repeat(400)}h`, '99999999999999999d', '1\n2h'],
  ])('%j is none', text => expect(parseDuration(text)).toBeUndefined());

  it('a clock is read back', () => {
    fc.assert(
      fc.property(seconds, s => {
        expect(parseDuration(clock(s))).toBe(s);
      }),
    );
  });

  it('every unit is read back', () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(23), fc.nat(59), fc.nat(59), (d, h, m, s) => {
        fc.pre(d + h + m + s > 0);
        expect(parseDuration(`${d}d${h}h${m}m${s}s`)).toBe(((d * 24 + h) * 60 + m) * 60 + s);
      }),
    );
  });

  it('nothing but whole seconds comes out, whatever goes in', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.:dhms -]{0,20}$/)), text => {
        const s = parseDuration(text);
        expect(s === undefined || (Number.isSafeInteger(s) && s > 0)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    [0, '0 s'],
    [-5, '0 s'],
    [42, '42 s'],
    [60, '1:00'],
    [3599.6, '1:00:00'],
    [7384, '2:03:04'],
    [93784, '1d 02:03:04'],
  ])('%d s are shown as %s', (s, text) => expect(formatDuration(s)).toBe(text));

  it.each([
    [59, '00:00:59'],
    [3600, '01:00:00'],
    [360000, '100:00:00'],
    [90.7, '00:01:30'],
  ])('%d s are %s on the clock', (s, text) => expect(clock(s)).toBe(text));
});

describe('memory', () => {
  it.each([
    ['512M', 512],
    ['4G', 4096],
    ['4 GB', 4096],
    ['1.5 GiB', 1536],
    ['1t', 1048576],
    ['0.5m', undefined],
    ['4', undefined],
    ['4K', undefined],
    ['-4G', undefined],
    ['G', undefined],
    ['', undefined],
    [`${'9'.repeat(400)}G`, undefined],
    ['4G4G', undefined],
  ])('%s', (text, mib) => expect(parseMemory(text)).toBe(mib));

  it('what is shown is read back, to the digits shown', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 * 1048576 }), mib => {
        const back = parseMemory(formatMemory(mib)) as number;
        expect(Math.abs(back - mib)).toBeLessThanOrEqual(mib < 1024 ? 0 : 52);
      }),
    );
  });
});
