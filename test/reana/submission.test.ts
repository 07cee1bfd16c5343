import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSubmission } from '../../src/reana/submission.js';

describe('a reana.yaml', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-fit.v1-'));
    mkdirSync(join(dir, 'code/deep'), { recursive: true });
    writeFileSync(join(dir, 'code/gen.py'), '');
    writeFileSync(join(dir, 'code/deep/er.txt'), '');
    writeFileSync(join(dir, 'data.csv'), '');
    writeFileSync(join(dir, 'code/list.yaml'), '- 1\n');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const read = (text: string, parameters = {}) => {
    const file = join(dir, 'reana.yaml');
    writeFileSync(file, text);
    return readSubmission(file, parameters);
  };
  const workflow = 'workflow: {type: serial, specification: {steps: []}}';

  it('comes with its inputs, named as in the workspace', async () => {
    const found = await read(
      `inputs: {files: [data.csv, ./data.csv], directories: [code], parameters: {n: 1}}\n${workflow}\n`,
      {
        n: '2',
      },
    );
    expect(found.files.map(f => f.path).sort()).toEqual([
      'code/deep/er.txt',
      'code/gen.py',
      'code/list.yaml',
      'data.csv',
    ]);
    expect(found.name).toMatch(/^scailfin-fit-v1-/);
  });

  it('brings the file its workflow is written in', async () => {
    const found = await read('workflow: {type: yadage, file: code/gen.py}\n');
    expect(found.files.map(f => f.path)).toEqual(['code/gen.py']);
  });

  it('has its parameters in a file of their own, if its language is CWL or Snakemake', async () => {
    writeFileSync(join(dir, 'code/inputs.yaml'), 'n: 1\nnames: [a, b]\n');
    const text = 'inputs: {parameters: {input: code/inputs.yaml}}\nworkflow: {type: snakemake, file: code/gen.py}\n';
    const { specification } = await read(text, { n: '2' });
    expect(specification.inputs?.parameters).toEqual({ n: 1, names: ['a', 'b'] });
    await expect(read(text, { input: 'x' })).rejects.toThrow('has no parameter input');
    const serial = await read(`inputs: {parameters: {input: code/inputs.yaml}}\n${workflow}`);
    expect(serial.specification.inputs?.parameters).toEqual({ input: 'code/inputs.yaml' });
  });

  it.each([
    ['inputs: {parameters: {input: no.yaml}}\nworkflow: {type: cwl}', {}, 'the input file no.yaml is not there'],
    ['inputs: {parameters: {input: ../x.yaml}}\nworkflow: {type: cwl}', {}, 'outside of the directory of reana.yaml'],
    ['inputs: {parameters: {input: code/list.yaml}}\nworkflow: {type: cwl}', {}, 'code/list.yaml:1:1: '],
    [`inputs: {files: [no.csv]}\n${workflow}`, {}, 'the input file no.csv is not there'],
    [`inputs: {directories: [data.csv]}\n${workflow}`, {}, 'the input directory data.csv is not there'],
    [`inputs: {files: [../secret]}\n${workflow}`, {}, 'outside of the directory of reana.yaml'],
    [`inputs: {files: [/etc/passwd]}\n${workflow}`, {}, 'outside of the directory of reana.yaml'],
    [`inputs: {parameters: {n: 1}}\n${workflow}`, { m: '1' }, 'has no parameter m'],
    ['workflow: {type: make}', {}, 'reana.yaml:1:18: workflow.type: "make" is not one of serial'],
    ['a: [', {}, 'reana.yaml:'],
    ['', {}, 'reana.yaml:1:1: the file is empty'],
    ['version: 1', {}, 'the key "workflow" is missing'],
  ])('is refused with its mistake: %#', async (text, parameters, message) => {
    await expect(read(text, parameters)).rejects.toThrow(message);
  });
});
