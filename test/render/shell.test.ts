import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';
import { launchers } from '../../src/schedulers/job.js';
import { boscoSchedulers, schedulerFor } from '../../src/schedulers/registry.js';
import { slurm } from '../../src/schedulers/slurm/index.js';
import { wrapperScript } from '../../src/steps/wrapper.js';
import { templateText } from '../../src/templates.js';
import { job } from '../schedulers/jobs.js';
import { kindOf } from './helpers/kinds.js';
import { choices, families, ofChoice, ofFamily, type Rendered } from './helpers/rendered.js';

const missing = spawnSync('shellcheck', ['--version']).status !== 0;

/** Remarks of style that are wrong about these scripts, or that they mean: all else counts, however small. */
const meant = [
  'SC2015', // A && B || C: where C is to run also when B fails
  'SC2016', // '$x' is meant for another shell, or awk
  'SC2317', // what a trap calls is taken for unreachable
  'SC2013', // words are meant, not lines
  'SC2012', // ls -t sorts by time, which find does not
  'SC2020', // tr is given single characters
];

/** Complaints about a script; `-` reads it from stdin, as hosts do. */
function complaints(script: string, shell: 'bash' | 'sh'): string {
  const how = ['--norc', `--shell=${shell}`, '--severity=style', `--exclude=${meant}`, '--format=gcc', '-'];
  const out = spawnSync('shellcheck', how, { input: script, encoding: 'utf8' });
  return out.stdout + out.stderr;
}

/** Without what excuses a whole file: parts of a script that are checked together need no excuse. */
const unexcused = (script: string): string => script.replaceAll(/^# shellcheck .*disable=SC(2034|2153|2154).*$/gm, '#');

const names = readdirSync(join(packageRoot, 'templates'), { recursive: true, encoding: 'utf8' })
  .filter(f => f.endsWith('.sh'))
  .sort();
const all: Rendered[] = [
  ...(await Promise.all(Object.keys(choices).map(ofChoice))),
  ...(await Promise.all(families.map(family => ofFamily(family)))),
  ...(await Promise.all(boscoSchedulers.map(family => ofFamily(family, { submit: 'bosco', headnode: 'login' })))),
];
const shells = new Map(
  all
    .flatMap(files => [...files])
    .flatMap(([name, text]) => {
      const kind = kindOf(name, text);
      return kind === 'bash' || kind === 'sh' ? [[text, { name, kind }] as const] : [];
    }),
);
const file = (family: (typeof families)[number], name: string): string =>
  all[Object.keys(choices).length + families.indexOf(family)]?.get(name) ?? '';

describe.skipIf(missing)(`shellcheck${missing ? ' (it is not installed)' : ''}`, () => {
  it.each(names)('%s', name => {
    // those run as `sh -c`, or anywhere at all, must do with a plain sh
    const shell = /^(batch|step)\/|^glidein\/check|^headnode\/fence\/(?!build)|^site\/(on-)?machine/.test(name)
      ? 'sh'
      : 'bash';
    expect(templateText(name)).toMatch(new RegExp(`^(#!/bin/|# shellcheck shell=)${shell}\\b`));
    expect(complaints(templateText(name), shell)).toBe('');
  });

  it.each(
    [...shells]
      .filter(([text]) => !names.some(name => templateText(name) === text))
      .map(([t, s]) => [s.name, s.kind, t] as const),
  )('rendered: %s', (_, kind, text) => expect(complaints(text, kind)).toBe(''));

  it.each(launchers)('the Slurm script with launcher %s', launcher => {
    const rest = { queue: 'debug', account: 'm1', gpusPerNode: 1, directives: ['-C a&b'], command: ["/a b'c", '$x'] };
    expect(complaints(slurm.submit(job({ launcher, ...rest })).script, 'bash')).toBe('');
    expect(complaints(slurm.submit(job({ launcher, arrays: false, coresPerNode: undefined })).script, 'bash')).toBe('');
  });

  it.each(families.filter(type => schedulerFor(type).severalNodes))('the script of %s for several nodes', type => {
    for (const launcher of launchers) {
      const several = job({
        nodes: 3,
        nodesEnvironment: 'mpi',
        launcher,
        command: ['/bin/bash', '/d/node.sh', '/d', 'b1'],
      });
      expect(complaints(schedulerFor(type).submit(several).script, 'bash')).toBe('');
    }
  });

  it('a step, with what it is told, needs no excuse', () => {
    const script = unexcused(file('slurm', 'step/step.env') + wrapperScript());
    // that one is for who looks into a sandbox
    expect(complaints(script, 'sh')).toMatch(/^\S+ warning: step appears unused.*\n$/);
  });

  it('a glide-in, with what it is told, needs no excuse', () => {
    const parts = ['check', 'leave', 'glidein'].map(name => templateText(`glidein/${name}.sh`)).join('\n');
    const glidein = file('slurm', 'site/settings') + parts;
    expect(complaints(unexcused(glidein), 'bash')).toBe('');
    // what it reads on one of several nodes is part of it
    const source = '. "$dir/together.sh"';
    expect(glidein).toContain(source);
    const together = glidein.replace(`|| ${source}`, `|| :\n${templateText('glidein/together.sh')}`);
    expect(complaints(unexcused(together), 'bash')).toBe('');
  });

  it("the pool's scripts, put together, need no excuse", () => {
    const text = (...parts: string[]): string => unexcused(parts.map(p => templateText(`headnode/${p}.sh`)).join('\n'));
    expect(complaints(text('layout', 'pool-stop', 'pool-start'), 'bash')).toBe('');
    expect(complaints(text('layout', 'payload-cut'), 'bash')).toMatch(/^\S+ warning: CONDOR_LIB appears unused.*\n$/);
  });

  it.each([
    ['rm $(x)\n', 'SC2046'],
    ['echo $x\n', 'SC2154'],
    ['echo $1\n', 'SC2086'],
    ['if [ a = b; then :\n', 'SC1'],
  ])('would complain of %j', (script, code) => expect(complaints(script, 'sh')).toContain(code));
});

describe('what is rendered is complete', () => {
  it('every script of templates/ is in it for some choice', () => {
    const texts = new Set(all.flatMap(files => [...files.values()]));
    // the wrapper's parts are put together
    const isPart = (name: string): boolean => name.startsWith('step/') || name === 'session/channel.sh';
    const absent = names.filter(name => !isPart(name) && !texts.has(templateText(name)));
    expect(absent).toEqual([]);
    const [wrapper = ''] = all.flatMap(files => files.get('step/step.sh') ?? []);
    const parts = names.filter(isPart).map(name => templateText(name).split('\n').slice(1));
    for (const part of parts) expect(wrapper).toContain(part.join('\n'));
  });

  it('each file is told of, by more than its name', () => {
    for (const files of all) {
      const lines = (files.get('README') ?? '').split('\n');
      for (const name of files.keys()) {
        if (name === 'README') continue;
        const short = name.slice(name.indexOf('/') + 1);
        expect(
          lines.some(line => line.startsWith(`  ${short} `) && line.trim().split(/\s+/).length > 3),
          name,
        ).toBe(true);
      }
    }
  });

  it('and has a check for each', () => {
    expect(() => kindOf('headnode/new.toml', 'a = 1\n')).toThrow('who reads it');
  });
});
