import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Output } from '../../src/hosts/host.js';
import { LocalHost } from '../../src/hosts/local.js';
import { noteAdopted } from '../../src/schedulers/submission.js';
import { templateText } from '../../src/templates.js';
import { install } from './clock.js';
import { WorldHost } from './host.js';
import { Process } from './laptop.js';
import { ends } from './scripts.js';
import { World } from './world.js';

/** The same calls of the site's scripts, by a shell on real files and in the world in memory, must say and leave the same. */
const OWNER = '{"id":"a","by":"alice@laptop"}';
const late = 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation';

interface Call {
  readonly templates: readonly string[];
  /** Instead of templates. */
  readonly text?: string;
  /** `BASE` and `SITE` stand for the directories. */
  readonly args: readonly string[];
  readonly stdin?: string;
}

const submit = (label: string, script = 'a script\n'): Call => ({
  templates: ['site/submit.sh'],
  args: ['SITE', label, String(script.length), 'sbatch'],
  stdin: script,
});
const call = (templates: string | readonly string[], ...args: string[]): Call => ({
  templates: [templates].flat(),
  args,
});

const calls: readonly Call[] = [
  call([...ends, 'site/close.sh'], 'SITE', '1'),
  call(['site/machine.sh', 'site/prepare.sh'], 'BASE', 'x', 'site', OWNER, 'none'),
  call(['site/machine.sh', 'site/prepare.sh'], 'BASE', 'x', 'site', OWNER, 'abc'),
  call(['site/machine.sh', 'site/prepare.sh'], 'BASE', 'x', 'pool', '{"id":"b"}', 'none'),
  call('site/unpack.sh', 'BASE', 'abc', 'SITE/none.tar.gz'),
  submit('b1'),
  submit('b1'),
  call('site/withdraw.sh', 'SITE', 'b1'),
  call('site/withdraw.sh', 'SITE', 'b2'),
  call('site/withdraw.sh', 'SITE', 'b2'),
  submit('b2'),
  submit('b3'),
  submit('b3'),
  { templates: ['its job was found'], text: noteAdopted, args: ['SITE', 'b3'] },
  call('site/missing.sh', 'SITE', '+100', '=101'),
  call('site/missing.sh', 'SITE', '-101', '+100'),
  call('site/missing.sh', 'SITE/none', '+7'),
  call([...ends, 'site/close.sh'], 'SITE', '1'),
  submit('b4'),
  call('site/leaving.sh', 'SITE', '1'),
  call([...ends, 'site/remove.sh'], 'BASE', 'x', 'pool'),
  call([...ends, 'site/remove.sh'], 'BASE', 'x', 'site'),
  call([...ends, 'site/close.sh'], 'SITE', '1'),
  submit('b5'),
];

let folder: string;
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Times, sizes and names of machines differ; `.time` is what the world has for a file's own time. */
const said = ({ stdout, stderr, exitCode }: Output, base: string) => ({
  stdout: stdout
    .replaceAll(base, 'BASE')
    .replace(/^(free|now)=\d+$/gm, '$1=N')
    .replace(/^(refused|missing)=[1-9]\d*/gm, '$1=N')
    .replace(/^refused=0/gm, 'refused=N'),
  // of what the shell itself complains, only that it does
  stderr: /^(.*: )?line \d+|No such file/m.test(stderr) || stderr.includes('damaged') ? 'an error' : stderr.trim(),
  exitCode,
});
const isOfBoth = (path: string): boolean => !path.endsWith('.time');

it('says and leaves what the real scripts do', async () => {
  folder = mkdtempSync(join(tmpdir(), 'scailfin-truth-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const answers = `n=$(cat "$0.n" 2>/dev/null); echo x >>"$0.n"\n[ -n "$n" ] || { echo 100; exit; }\necho '${late}' >&2; exit 1\n`;
  writeFileSync(join(bin, 'sbatch'), `#!/bin/sh\ncat >/dev/null\n${answers}`, { mode: 0o755 });
  const home = join(folder, 'home');
  mkdirSync(home);
  const real = new LocalHost();
  const inReal = async ({
    templates,
    args,
    stdin = '',
    text = templates.map(templateText).join('\n'),
  }: Call): Promise<Output> => {
    const env = ['env', `PATH=${bin}:${process.env.PATH}`, `HOME=${home}`];
    return real.run([...env, 'bash', '--norc', '-c', text, 'x', ...filled(args, home)], { stdin, check: false });
  };

  const world = new World({ headnode: 'host', logins: 1, arrays: false, accounting: true }, () => {});
  const [laptop] = world.laptops;
  const host = new WorldHost(world, world.login, new Process(laptop as never, undefined), 'alice@login');
  const inWorld = async ({
    templates,
    args,
    stdin = '',
    text = templates.map(templateText).join('\n'),
  }: Call): Promise<Output> => {
    const restore = install(world.clock);
    try {
      let done: Output | undefined;
      let failed: unknown;
      const work = host.run(['bash', '--norc', '-c', text, 'x', ...filled(args, '/home/alice')], {
        stdin,
        check: false,
      });
      void work.then(
        out => {
          done = out;
        },
        error => {
          failed = error;
        },
      );
      while (!done) {
        if (failed) throw failed;
        await new Promise(resolve => setImmediate(resolve));
        world.clock.step();
      }
      return done;
    } finally {
      restore();
    }
  };
  // the second submission is answered too late, and has not been taken
  world.queue.fates.push(undefined as never, 'lost');

  for (const [n, one] of calls.entries()) {
    const what = `${n}: ${one.templates.at(-1)} ${one.args.join(' ')}`;
    expect(said(await inWorld(one), '/home/alice/.scailfin'), what).toEqual(
      said(await inReal(one), join(home, '.scailfin')),
    );
    const left = readdirSync(home, { recursive: true }).map(String).sort();
    const inMemory = world.queue.disk.below('/home/alice').map(path => path.slice('/home/alice/'.length));
    expect(inMemory.filter(isOfBoth), what).toEqual(left);
  }
  expect(readdirSync(home)).toEqual([]);
});

const filled = (args: readonly string[], home: string): string[] =>
  args.map(arg => arg.replace(/^BASE/, `${home}/.scailfin`).replace(/^SITE/, `${home}/.scailfin/x/site`));
