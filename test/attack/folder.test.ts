import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScailfinError } from '../../src/errors.js';
import { Folder } from '../../src/folder.js';
import { ReanaClient } from '../../src/reana/client.js';
import { partsOf } from '../../src/reana/outputs.js';
import { readSubmission } from '../../src/reana/submission.js';
import { TestEdge, token } from '../reana/edge/edges.js';
import { attack } from './attack.js';
import { UserHere } from './helpers/here.js';
import { HostileReana } from './helpers/reana.js';

const workflow = 'workflow: {type: serial, specification: {steps: []}}\n';

describe('a hostile folder', () => {
  let user: UserHere;
  let reana: HostileReana;
  beforeEach(async () => {
    user = new UserHere();
    reana = await HostileReana.open();
    user.knows(reana.port);
  });
  afterEach(async () => {
    await reana.close();
    user.close();
  });
  const put = (path: string, text: string): void => {
    mkdirSync(join(user.folder, path, '..'), { recursive: true });
    writeFileSync(join(user.folder, path), text);
  };
  const link = (path: string, target: string): void => {
    mkdirSync(join(user.folder, path, '..'), { recursive: true });
    symlinkSync(target, join(user.folder, path));
  };
  /** Puts a link to `outside` in the place of a directory and the directory back, again and again. @returns its end */
  const swapping = (name: string): (() => Promise<void>) => {
    const [place, aside] = [join(user.folder, name), join(user.folder, 'aside')];
    let isOver = false;
    /** What is written may make the place anew at any moment. */
    const insist = (work: () => void): void => {
      for (;;) {
        rmSync(place, { recursive: true, force: true });
        try {
          work();
          return;
        } catch {
          // once more
        }
      }
    };
    const swaps = (async () => {
      while (!isOver) {
        renameSync(place, aside);
        insist(() => symlinkSync(user.outside, place));
        await new Promise(setImmediate);
        insist(() => renameSync(aside, place));
        await new Promise(setImmediate);
      }
    })();
    return () => {
      isOver = true;
      return swaps;
    };
  };
  /** All that is outside, with what it says. */
  const outside = (): Record<string, string> =>
    Object.fromEntries(readdirSync(user.outside).map(name => [name, readFileSync(join(user.outside, name), 'utf8')]));
  const untouched = { secret: 'the secret' };

  /** What links may lead out by; each names the link that is to be told. */
  const ways: readonly (readonly [link: string, make: () => void, inputs: string])[] = [
    ['key', () => link('key', join(user.outside, 'secret')), '{files: [key]}'],
    ['key', () => link('key', '../outside/secret'), '{files: [./key]}'],
    ['keys', () => link('keys', user.outside), '{directories: [keys]}'],
    ['keys', () => link('keys', user.outside), '{files: [keys/secret]}'],
    ['keys', () => link('keys', user.outside), '{directories: [keys/.]}'],
    ['data/key', () => link('data/key', '../../outside/secret'), '{directories: [data]}'],
    ['data/a/keys', () => link('data/a/keys', user.outside), '{directories: [data]}'],
    [
      'data/one',
      () => {
        link('data/two', user.outside);
        link('data/one', 'two');
      },
      '{files: [data/one/secret]}',
    ],
    ['top', () => link('top', '..'), '{directories: [top/outside]}'],
    ['all', () => link('all', '/'), '{files: [all/etc/passwd]}'],
    ['later', () => link('later', '../outside/not-yet'), '{files: [later]}'],
    ['proc', () => link('proc', '/proc/self/environ'), '{files: [proc]}'],
  ];

  attack(
    { by: 'a hostile folder', on: 'here', what: 'has files outside uploaded by links among the inputs' },
    async count => {
      for (const [name, make, inputs] of ways) {
        rmSync(user.folder, { recursive: true });
        mkdirSync(user.folder);
        make();
        put('reana.yaml', `inputs: ${inputs}\n${workflow}`);
        const refused = await readSubmission(join(user.folder, 'reana.yaml'), {}).catch(error => error);
        expect(refused, inputs).toBeInstanceOf(Error);
        expect(refused.message, inputs).toMatch(new RegExp(`^${name} is a link to .* outside of ${user.folder}`));
        expect(refused.hint, inputs).toContain('remove it from reana.yaml');
        count();
      }
    },
  );

  attack({ by: 'a hostile folder', on: 'here', what: 'has ~/.ssh uploaded by `scailfin run`' }, async count => {
    link('key', join(user.outside, 'secret'));
    for (const [file, text] of [
      ['reana.yaml', `inputs: {files: [key]}\n${workflow}`],
      ['cwl.yaml', 'workflow: {type: cwl, file: key}\n'],
    ] as const) {
      put(file, text);
      const { status, stderr } = await user.scailfin(['run', file]);
      expect(stderr).toMatch(/^error: key is a link to .*outside\/secret, which is outside of .*folder\n {2}→ /);
      expect(status).toBe(1);
      count();
    }
    expect(reana.asked).toEqual([]);
    expect(reana.uploaded.size).toBe(0);
  });

  attack({ by: 'a hostile folder', on: 'here', what: 'sends a file outside as the specification' }, async () => {
    writeFileSync(join(user.outside, 'config'), `${workflow}password: the secret\n`);
    link('reana.yaml', join(user.outside, 'config'));
    const { status, stderr } = await user.scailfin(['run']);
    expect(stderr).toMatch(/^error: reana.yaml is a link to .*outside\/config, which is outside/);
    expect(status).toBe(1);
    expect(reana.asked).toEqual([]);
  });

  attack(
    { by: 'a hostile folder', on: 'here', what: 'swaps a directory for a link while files are opened' },
    async count => {
      put('data/secret', 'mine');
      const folder = await Folder.at(user.folder);
      const stop = swapping('data');
      const read: string[] = [];
      for (let i = 0; i < 2000; i++) {
        count();
        const handle = await folder.open('data/secret').catch(() => undefined);
        if (handle === undefined) continue;
        read.push(await handle.readFile('utf8'));
        await handle.close();
      }
      await stop();
      expect(read.length).toBeGreaterThan(0);
      expect(read.filter(text => text !== 'mine')).toEqual([]);
    },
  );

  attack({ by: 'a hostile folder', on: 'here', what: 'makes inputs without end out of links' }, async count => {
    put('data/x', '');
    link('data/again', '.');
    put('reana.yaml', `inputs: {directories: [data]}\n${workflow}`);
    await expect(readSubmission(join(user.folder, 'reana.yaml'), {})).rejects.toThrow(
      'data/again is a link that leads',
    );
    count();
    rmSync(join(user.folder, 'data'), { recursive: true });
    for (let i = 0; i < 40; i++) {
      link(`data/${i}/a`, `../${i + 1}`);
      link(`data/${i}/b`, `../${i + 1}`);
    }
    put('data/40/x', '');
    await expect(readSubmission(join(user.folder, 'reana.yaml'), {})).rejects.toThrow('more than 1000 links to');
    count(80);
  });

  it('has inputs by links that stay inside', async () => {
    put('store/a.txt', 'a');
    put('store/deep/b.txt', 'b');
    link('data/a.txt', '../store/a.txt');
    link('data/deep', '../store/deep');
    link('data/.#a.txt', 'somebody@host.123:456');
    put('reana.yaml', `inputs: {files: [data/a.txt], directories: [data]}\noutputs: {files: [r]}\n${workflow}`);
    reana.names = ['r'];
    const { status, stderr, stdout } = await user.scailfin(['run', '--json']);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout).outputs).toEqual(['r']);
    expect(status).toBe(0);
    expect(Object.fromEntries(reana.uploaded)).toEqual({ 'data/a.txt': 'a', 'data/deep/b.txt': 'b' });
  });

  attack(
    { by: 'a hostile folder', on: 'here', what: 'has outputs written outside, by links in the folder' },
    async count => {
      link('res', user.outside);
      link('a/res', '../../outside');
      link('later', '../outside/new');
      link('two', 'res');
      link('results/part.scailfin-part', join(user.outside, 'secret'));
      link('results/part', join(user.outside, 'secret'));
      reana.names = ['res/authorized_keys', 'a/res/secret', 'later/x', 'two/secret', 'results/part', 'results/good'];
      reana.listed = path => (path === 'res' ? ['res/authorized_keys'] : [path]);
      put('reana.yaml', `outputs: {files: [${reana.names.slice(1).join(', ')}], directories: [res]}\n${workflow}`);
      const { status, stderr, stdout } = await user.scailfin(['run']);
      count(reana.names.length);
      expect(outside()).toEqual(untouched);
      expect(stdout.split('\n').filter(line => line !== '')).toEqual(['results/part', 'results/good']);
      expect(stderr).toContain('error: 4 of 6 outputs could not be fetched:');
      for (const name of reana.names.slice(0, 4)) expect(stderr).toMatch(new RegExp(`- ${name}: \\S+ is a link to`));
      expect(status).toBe(1);
      expect(lstatSync(join(user.folder, 'results/part')).isFile()).toBe(true);
    },
  );

  attack({ by: 'a hostile folder', on: 'here', what: 'leads --out elsewhere by a link' }, async count => {
    link('results', user.outside);
    link('new', '../outside/made');
    put('reana.yaml', `outputs: {files: [secret]}\n${workflow}`);
    reana.names = ['secret'];
    for (const out of ['./results/', 'results/deeper', 'new']) {
      const { status, stderr } = await user.scailfin(['run', '--out', out]);
      expect(stderr, out).toMatch(/error: nothing can be written to \S+: (results|new) is a link to/);
      expect(status, out).toBe(2);
      count();
    }
    expect(outside()).toEqual(untouched);
    // named by the person, it is the person's word
    const { status } = await user.scailfin(['run', '--out', '../outside/mine']);
    expect(status).toBe(0);
    expect(existsSync(join(user.outside, 'mine/secret'))).toBe(true);
  });

  attack(
    { by: 'a hostile folder', on: 'here', what: 'swaps a directory for a link while outputs are written' },
    async count => {
      mkdirSync(join(user.folder, 'res/deep'), { recursive: true });
      const folder = await Folder.at(user.folder);
      const stop = swapping('res');
      let written = 0;
      for (let i = 0; i < 500; i++) {
        count();
        const done = folder.write(['res', 'deep', 'secret'], Readable.from(['overwritten']));
        await done.then(() => written++).catch(() => {});
      }
      await stop();
      expect(written).toBeGreaterThan(0);
      expect(outside()).toEqual(untouched);
      const left = readdirSync(join(user.folder, 'res/deep')).filter(name => name !== 'secret');
      expect(left).toEqual([]);
    },
  );

  attack({ by: 'a hostile folder', on: 'here', what: 'has `render` write outside by links' }, async count => {
    link('out/README', join(user.outside, 'secret'));
    link('out/headnode', user.outside);
    const render = (out: string) => user.scailfin(['render', '--site', 'local', '--out', out]);
    const { status, stderr } = await render('out');
    expect(stderr).toMatch(/^error: headnode is a link to .*outside/);
    expect(status).toBe(1);
    link('all', user.outside);
    expect((await render('all')).stderr).toMatch(/^error: nothing can be written to all: all is a link to/);
    count(3);
    expect(outside()).toEqual(untouched);
    expect((await render('mine')).status).toBe(0);
  });

  it('has outputs where its own links lead, inside', async () => {
    put('store/keep', '');
    link('results', 'store');
    link('deep/er', '../store');
    reana.listed = path => [path];
    put('reana.yaml', `outputs: {files: [results/a, deep/er/b]}\n${workflow}`);
    const { status, stderr } = await user.scailfin(['run']);
    expect(status, stderr).toBe(0);
    expect(readdirSync(join(user.folder, 'store')).sort()).toEqual(['a', 'b', 'keep']);
  });

  attack({ by: 'a server', on: 'here', what: 'chooses where outputs are written by their names' }, async count => {
    const long = 'x'.repeat(300);
    const hostile = [
      ...[
        '../outside/secret',
        'results/../../outside/secret',
        '/etc/scailfin-was-here',
        `${user.outside}/secret`,
        '..',
        '',
      ],
      ...[
        'results/a\u0000b',
        'results/\u001b[2Jx',
        'results/x\r',
        'results//x',
        './results/x',
        'results/.',
        'results/\u009bx',
      ],
      ...[
        `results/${long}`,
        `results/${'y/'.repeat(5000)}z`,
        '.bashrc',
        'reana.yaml',
        'resultsx',
        'results/.git/hooks/x',
      ],
      ...['results/.GIT/config', 'results/.g\u200cit/config', 'results/x/.hg/hgrc'],
    ];
    reana.names = [...hostile, 'results/good'];
    put('reana.yaml', `outputs: {directories: [results]}\n${workflow}`);
    const before = readFileSync(join(user.folder, 'reana.yaml'), 'utf8');
    const { status, stderr, stdout } = await user.scailfin(['run']);
    count(hostile.length);
    expect(stdout).toBe('results/good\n');
    expect(stderr).toContain(`error: ${hostile.length} of ${hostile.length + 1} outputs could not be fetched:`);
    expect(status).toBe(1);
    expect(readdirSync(user.home).sort()).toEqual(['folder', 'outside', 'state']);
    expect(outside()).toEqual(untouched);
    expect(readdirSync(user.folder).sort()).toEqual(['reana.yaml', 'results']);
    expect(readdirSync(join(user.folder, 'results'))).toEqual(['good']);
    expect(readFileSync(join(user.folder, 'reana.yaml'), 'utf8')).toBe(before);
    expect(existsSync('/etc/scailfin-was-here')).toBe(false);
  });

  attack(
    { by: 'a workflow', on: 'here', what: "plants a hook in the user's repository by its outputs" },
    async count => {
      for (const wanted of ['.git/hooks/post-checkout', '.git', '**', '.', 'sub/.git/config']) {
        const name = wanted.includes('.git') && wanted !== '.git' ? wanted : '.git/hooks/post-checkout';
        expect(() => partsOf(name, wanted)).toThrow('version control');
        count();
      }
      expect(partsOf('results/a b/ß.txt', 'results')).toEqual(['results', 'a b', 'ß.txt']);
      expect(partsOf('results/a.png', 'results/*.png')).toEqual(['results', 'a.png']);
      expect(partsOf('a.png', './a.png')).toEqual(['a.png']);
      expect(() => partsOf('other/a.png', 'results/*.png')).toThrow('was asked for');
    },
  );

  attack({ by: 'a server', on: 'here', what: 'answers what no REANA would' }, async count => {
    const client = new ReanaClient(async () => connect(reana.port, '127.0.0.1'), token);
    const strange = ['', 'x', '[]', 'null', '{}', '{"workflow_name":{}}', '{"logs":"[]"}', '"\u001b]0;x\u0007"'];
    strange.push('['.repeat(1e6), '{"items":[1],"total":1}', '{"items":[],"total":{}}', '{"specification":[]}');
    const asks: readonly (() => Promise<unknown>)[] = [
      () => client.create('x', { workflow: { type: 'serial' } }),
      ...[
        () => client.status('x'),
        () => client.logs('x'),
        () => client.list('x', 'y'),
        () => client.specification('x'),
      ],
      () => client.runs(),
    ];
    for (const body of strange) {
      reana.answer = () => ({ body });
      for (const ask of asks) {
        const what = await ask().catch(error => error);
        if (!(what instanceof ScailfinError)) expect([0, 1], body).toContainEqual(what);
        count();
      }
    }
    for (const run of ['../../secrets', 'a?b#c', 'ä\u0000\r\nX: y', '..']) {
      await client.status(run).catch(() => {});
      expect(reana.asked.at(-1)).toMatch(/^GET \/api\/(workflows\/[^/]*\/)?status$/);
      count();
    }
    put('reana.yaml', `outputs: {directories: [results]}\n${workflow}`);
    reana.answer = (_, path) => (path.endsWith('/logs') ? { body: '{"logs":"\u001b[2J"}' } : undefined);
    const { status, stderr } = await user.scailfin(['run']);
    expect(stderr).toMatch(/^error: REANA's answer to GET \/api\/workflows\/run.1\/logs is not JSON$/m);
    expect(stderr).not.toMatch(/\n {4}at |bug in scailfin/);
    expect(status).toBe(1);
  });

  it('says which output is a link, and fetches the others', async () => {
    const edge = await TestEdge.open();
    try {
      user.knows((edge.edge as { port: number }).port);
      put(
        'reana.yaml',
        `outputs: {directories: [out], files: [lone]}
workflow:
  type: serial
  specification:
    steps:
      - environment: 'python:3.12'
        commands: ['mkdir out; echo 1 > out/a; ln -s /etc/passwd out/b; echo 3 > out/c; ln -s out lone']
`,
      );
      const { status, stdout, stderr } = await user.scailfin(['run']);
      expect(stdout).toBe('out/a\nout/c\n');
      expect(stderr).toMatch(
        /error: 2 of 4 outputs could not be fetched:\n {2}- lone: .*symlink.*\n {2}- out\/b: .*symlink/,
      );
      expect(stderr).toContain('let the step copy the file that the link leads to');
      expect(status).toBe(1);
      const json = await user.scailfin(['run', '--json']);
      expect(JSON.parse(json.stdout)).toMatchObject({
        outputs: ['out/a', 'out/c'],
        missing: [{ name: 'lone' }, { name: 'out/b' }],
      });
      expect(json.status).toBe(1);
    } finally {
      await edge.close();
    }
  });
});
