import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeEach, describe, expect, it } from 'vitest';
import { register } from '../../src/cli/completion.js';
import type { Ui } from '../../src/cli/ui.js';
import { temporaryState } from './temp.js';

const dir = temporaryState();

/** What `scailfin completion SHELL` prints, for a program with some of its commands. */
async function script(shell: string): Promise<string> {
  let printed = '';
  const ui = { printScript: (text: string) => (printed += text) } as unknown as Ui;
  const program = new Command('scailfin').exitOverride();
  program
    .command('up')
    .description("starts a cluster; it's quick")
    .option('--site <site>', 'where')
    .option('--nodes <n>');
  program.command('status').option('--json');
  program.command('down').option('--keep');
  const sites = program.command('sites').description('sites');
  sites.command('list').option('--all');
  sites.command('show');
  register(program, ui);
  await program.parseAsync(['completion', shell], { from: 'user' });
  return `${printed}\n`;
}

const installed = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

/** The program that the scripts ask for names. */
beforeEach(() => {
  const json =
    '[\n  {\n    "name": "nersc"\n  },\n  {\n    "name": "$(touch pwned)"\n  },\n  {\n    "name": "near"\n  }\n]';
  const stub = join(dir(), 'scailfin');
  writeFileSync(stub, `#!/bin/sh\ncat <<'END'\n${json}\nEND\n`);
  chmodSync(stub, 0o755);
});
const env = () => ({ ...process.env, HOME: dir(), PATH: `${dir()}:${process.env.PATH}` });

async function bash(...words: string[]): Promise<string[]> {
  const program = `${await script('bash')}COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n_scailfin\nprintf '%s\\n' "\${COMPREPLY[@]}"\n`;
  const args = ['--norc', '-s', '--', 'scailfin', ...words];
  return execFileSync('bash', args, { input: program, env: env(), cwd: dir(), encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
}

describe('in bash', () => {
  it('is bound to the program', async () => {
    const out = execFileSync('bash', ['--norc', '-s'], {
      input: `${await script('bash')}complete -p scailfin\n`,
      encoding: 'utf8',
    });
    expect(out).toBe('complete -F _scailfin scailfin\n');
  });

  it.each([
    [['st'], ['status']],
    [['s'], ['status', 'sites']],
    [
      ['up', '--'],
      ['--site', '--nodes'],
    ],
    [['up', '--si'], ['--site']],
    [
      ['up', '--site', 'ne'],
      ['nersc', 'near'],
    ],
    [['status', 'ners'], ['nersc']],
    [['status', '--'], ['--json']],
    [['sites', 'l'], ['list']],
    [['sites', 'show', 'near'], ['near']],
    [['zzz', ''], []],
  ])('%j', async (words, expected) => {
    expect(await bash(...words)).toEqual(expected);
  });

  it('a name is never run', async () => {
    await bash('up', '--site', '');
    expect(execFileSync('ls', [dir()], { encoding: 'utf8' })).toBe('scailfin\n');
  });
});

describe.skipIf(!installed('zsh'))('in zsh', () => {
  it('works without anything set up before', async () => {
    const program = `${await script('zsh')}print -r -- "$_comps[scailfin]"\nfunctions _scailfin >/dev/null && echo there\n`;
    const out = spawnSync('zsh', ['-f', '-s'], { input: program, env: env(), cwd: dir(), encoding: 'utf8' });
    expect(out.stderr).toBe('');
    expect(out.stdout).toMatch(/_bash_complete.*_scailfin\nthere\n$/);
  });
});

describe.skipIf(!installed('fish'))('in fish', () => {
  async function fish(line: string): Promise<string[]> {
    writeFileSync(join(dir(), 'c.fish'), await script('fish'));
    const program = `source ${dir()}/c.fish; complete -C '${line}'`;
    const out = execFileSync('fish', ['--no-config', '-c', program], { env: env(), cwd: dir(), encoding: 'utf8' });
    return out.split('\n').filter(Boolean);
  }
  it.each([
    ['scailfin st', ['status']],
    ['scailfin u', ["up\tstarts a cluster; it's quick"]],
    ['scailfin up --no', ['--nodes']],
    ['scailfin status ners', ['nersc']],
    ['scailfin sites l', ['list']],
  ])('%s', async (line, expected) => {
    expect(await fish(line)).toEqual(expected);
  });
});

it('for another shell there is none', async () => {
  await expect(script('ksh')).rejects.toThrow(/no completion for "ksh"/);
});
