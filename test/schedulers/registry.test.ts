import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  findScheduler,
  readerOf,
  schedulerFor,
  schedulerNames,
  siteSchedulers,
} from '../../src/schedulers/registry.js';
import { expected } from '../conformance/table.js';

describe('the registry of batch systems', () => {
  it.each(schedulerNames)('%s has the name of its folder and of its template', name => {
    expect(schedulerFor(name).name).toBe(name);
    for (const place of [`src/schedulers/${name}/index.ts`, `templates/batch/${name}.ejs`])
      expect(existsSync(new URL(`../../${place}`, import.meta.url)), place).toBe(true);
    expect(findScheduler(name)).toBe(schedulerFor(name));
  });

  it.each(siteSchedulers)('%s reads its commands by its own name and by those of systems that have the same', name => {
    const { aliases = [], read } = schedulerFor(name);
    expect(read).toBeTypeOf('function');
    for (const system of [name, name.toUpperCase(), ...aliases]) expect(readerOf(system), system).toBe(read);
  });

  it('knows no other', () => {
    expect(findScheduler('constructor')).toBeUndefined();
    expect(readerOf('cobalt')).toBeUndefined();
    expect(readerOf('fork')).toBeUndefined();
  });

  it('no two systems share a name', () => {
    const names = schedulerNames.flatMap(name => [name, ...(schedulerFor(name).aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(schedulerNames.filter(name => schedulerFor(name).bosco))('BOSCO asks %s for its jobs', name => {
    expect(existsSync(new URL(`../../templates/bosco/${schedulerFor(name).bosco}.sh`, import.meta.url))).toBe(true);
  });

  it('every batch system is tried on recordings', () => {
    expect(Object.keys(expected).sort()).toEqual([...siteSchedulers].sort());
  });
});
