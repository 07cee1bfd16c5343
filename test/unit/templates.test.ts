import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';
import { render, templateText } from '../../src/templates.js';
import { job } from '../schedulers/jobs.js';

describe('templates', () => {
  it('quote what they print', () => {
    const text = render('batch/fork', { job: job({ command: ['/bin/echo', "it's $HOME"] }) });
    expect(text).toContain(`  'it'\\''s $HOME' \\\n`);
    expect(text).toContain('export SCAILFIN_CORES=4\n');
  });

  it('print nothing as an empty word', () => {
    expect(render('batch/fork', { job: job({ coresPerNode: undefined }) })).toContain("export SCAILFIN_CORES=''\n");
  });

  it('a name that is not given is an error', () => {
    expect(() => render('batch/fork', {})).toThrow(/job is not defined/);
    expect(() => render('batch/slurm', { job: job() })).toThrow(/is not defined/);
  });

  it.each([[undefined], [null], [{}], [['a']]])('%j is no text', value => {
    const command = [value] as unknown as string[];
    expect(() => render('batch/fork', { job: job({ command }) })).toThrow(/can print text, numbers and booleans/);
  });

  it('a NUL byte goes nowhere', () => {
    expect(() => render('batch/fork', { job: job({ command: ['a\0b'] }) })).toThrow(/NUL/);
  });

  it('one that is not there is an error', () => {
    expect(() => render('batch/nonesuch', {})).toThrow(/ENOENT/);
    expect(() => templateText('nonesuch.sh')).toThrow(/ENOENT/);
  });

  it('raw output comes with a reason, in the template', () => {
    const files = readdirSync(join(packageRoot, 'templates'), { recursive: true, encoding: 'utf8' });
    const raw = files.filter(f => f.endsWith('.ejs')).filter(f => templateText(f).includes('<%-'));
    expect(raw.length).toBeGreaterThan(0);
    for (const file of raw) expect([file, /<%# .+/.test(templateText(file))]).toEqual([file, true]);
  });
});
