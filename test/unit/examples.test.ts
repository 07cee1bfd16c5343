import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { copyExample, listExamples } from '../../src/examples.js';
import { readSubmission } from '../../src/reana/submission.js';
import { exampleImages } from '../lab/image.js';
import { temporaryState } from './temp.js';

const dir = temporaryState();
const names = listExamples().map(each => each.name);

describe('the examples', () => {
  it('are listed with what they are, the inference first', () => {
    expect(names[0]).toBe('lfi');
    expect(names.slice(1)).toEqual(['bsm-search', 'hello-cwl', 'hello-serial', 'hello-snakemake', 'hello-yadage']);
    for (const { title } of listExamples()) expect(title).toMatch(/^\w.{10,70}$/);
  });

  it.each(names)('%s can be copied and submitted, and names an image that tests have', async name => {
    const into = join(dir(), 'of mine', name);
    const { directory, files } = copyExample(name, into);
    expect(directory).toBe(into);
    expect(files).toEqual(expect.arrayContaining(['README.md', 'reana.yaml']));
    const { specification } = await readSubmission(join(into, 'reana.yaml'), {});
    expect(specification.outputs?.files).not.toEqual([]);
    const all = readdirSync(into, { recursive: true, withFileTypes: true }).filter(each => each.isFile());
    const text = all.map(each => readFileSync(join(each.parentPath, each.name), 'utf8')).join('\n');
    const [registry, repository] = text.match(/docker\.io\/([\w/-]+)/) ?? [];
    expect(
      Object.values(exampleImages).some(image => image.startsWith(`${registry}:`)),
      repository,
    ).toBe(true);
  });

  it('go into a directory that is empty, and replace nothing', () => {
    const into = join(dir(), 'work');
    mkdirSync(into);
    copyExample('hello-serial', into);
    writeFileSync(join(into, 'reana.yaml'), 'mine');
    expect(() => copyExample('hello-cwl', into)).toThrow(UsageError);
    expect(() => copyExample('hello-serial', into)).toThrow(/is not empty, and nothing in it is replaced/);
    expect(readFileSync(join(into, 'reana.yaml'), 'utf8')).toBe('mine');
    expect(readdirSync(into).sort()).toEqual(['README.md', 'reana.yaml']);
  });

  it('are named if there is none of that name, or no place for it', () => {
    expect(() => copyExample('../src', join(dir(), 'x'))).toThrow('there is no example "../src"');
    expect(() => copyExample('lfi', '/proc/nope/lfi')).toThrow("lfi can't be copied to /proc/nope/lfi: ");
    writeFileSync(join(dir(), 'file'), '');
    expect(() => copyExample('lfi', join(dir(), 'file'))).toThrow(/lfi can't be copied to .*file: /);
  });
});
