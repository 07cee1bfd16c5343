import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { run } from '../../src/cli/program.js';
import { renderAll } from '../../src/cluster/render.js';
import { planCluster, planSite } from '../../src/cluster/spec.js';
import { patientFor } from '../../src/doctor/patient.js';
import { ScailfinError } from '../../src/errors.js';
import { sshSettings } from '../../src/hosts/sshconfig.js';
import { checkTarget } from '../../src/hosts/target.js';
import { packageRoot } from '../../src/paths.js';
import { readSubmission } from '../../src/reana/submission.js';
import { parseProfile } from '../../src/sites/profile.js';
import { attack } from './attack.js';
import { UserHere } from './helpers/here.js';
import { HostileReana } from './helpers/reana.js';
import { isThorough, oneInFour, tries } from './thorough.js';

/** Strings that break what takes them for a line, a path, an option, a shell's word, a template or a property. */
const nasty = [
  ...[
    '',
    ' ',
    '\n',
    'a\nb',
    '\r\n#SBATCH --wrap=id',
    '-',
    '--',
    '-oProxyCommand=id',
    '--help',
    '../../x',
    '/',
    '/etc/passwd',
  ],
  ...[
    '$(touch pwned)',
    '`id`',
    "'; id; '",
    '"',
    '\\',
    '%h',
    '%',
    '<%= 1 %>',
    '<%- process.exit(3) %>',
    '$' + '{HOME}',
    '@',
    'a@',
    ':',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '\u001b[2J',
    '\u001b]0;t\u0007',
    '\u009b31m',
    '\u202egpj.exe',
  ],
  ...[
    '\u2028',
    '\ufeff',
    '\ud800',
    'ä',
    '💥',
    'null',
    'true',
    '1e999',
    'NaN',
    '[a',
    '{a: b',
    '&a [*a]',
    '!!js/function x',
    'a: b: c',
  ],
  ...[
    'x'.repeat(100_000),
    'a=b=c',
    '=',
    '=x',
    'a\tb',
    '*',
    '?',
    '[',
    '~',
    '~root',
    'C:\\x',
    'context:',
    'context:$(id)',
  ],
];
const hostile = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...nasty) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map(text => text.replaceAll('\0', '')) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...nasty), fc.constantFrom(...nasty)).map(parts => parts.join('')) },
);

/** What this process has used: others may use the machine, too. */
const cpuSeconds = (): number => process.cpuUsage().user / 1e6;

/** Whatever is refused, is refused by an error of ours, in a few lines that say where. */
async function onlyOurs(what: string, work: () => unknown): Promise<ScailfinError | undefined> {
  const began = cpuSeconds();
  let thrown: unknown;
  try {
    await work();
  } catch (error) {
    thrown = error;
  }
  expect(cpuSeconds() - began, `too long: ${what.slice(0, 100)}`).toBeLessThan(10);
  if (thrown === undefined) return undefined;
  if (!(thrown instanceof ScailfinError))
    throw new Error(`not ours, of ${JSON.stringify(what).slice(0, 500)}`, { cause: thrown });
  expect(thrown.message).not.toMatch(/\n {4}at |\.ejs|node_modules|undefined|\[object/);
  return thrown;
}

describe('hostile files and arguments', { timeout: 300_000 }, () => {
  let user: UserHere;
  const before = { ...process.env };
  beforeEach(() => {
    user = new UserHere();
    const tmp = join(user.home, 'tmp');
    mkdirSync(tmp);
    Object.assign(process.env, {
      ...{ HOME: user.home, TMPDIR: tmp, XDG_STATE_HOME: join(user.home, 'state') },
      ...{ XDG_CONFIG_HOME: join(user.home, 'config'), XDG_CACHE_HOME: join(user.home, 'cache') },
    });
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
    process.exitCode = undefined;
    vi.restoreAllMocks();
    user.close();
  });

  /** The command line in this process. */
  async function scailfin(...words: readonly string[]): Promise<{ status: number; said: string }> {
    let said = '';
    const spies = [process.stdout, process.stderr].map(stream =>
      vi.spyOn(stream, 'write').mockImplementation(text => {
        said += text;
        return true;
      }),
    );
    process.exitCode = undefined;
    try {
      await run(words, '0.0.0');
      return { status: Number(process.exitCode ?? 0), said };
    } finally {
      process.exitCode = undefined;
      for (const spy of spies) spy.mockRestore();
    }
  }

  /** It ends in time, by a result or by an error that is said in plain words. */
  async function copes(...words: readonly string[]): Promise<void> {
    const began = cpuSeconds();
    const { status, said } = await scailfin(...words);
    const what = JSON.stringify(words).slice(0, 1000);
    expect(cpuSeconds() - began, what).toBeLessThan(10);
    expect(said, what).not.toMatch(/bug in scailfin|\n {4}at .*:\d+:\d+|\.ejs:\d/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(said, what).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    if (!words.includes('--json'))
      expect(
        said.split('\n').some(line => line.length > 5000),
        what,
      ).toBe(false);
    expect([0, 1, 2], what).toContain(status);
    if (status !== 0) expect(said, what).toMatch(/^error: |^\{"error"/m);
  }

  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`)}]`).join('\n')}\n`;
  const serial = 'workflow: {type: serial, specification: {steps: []}}\n';
  const texts: readonly string[] = [
    ...[
      bomb,
      `${serial}${bomb}`,
      `workflow: &w\n  type: serial\n  specification: *w\n`,
      `${serial}inputs: &i {parameters: {a: *i}}\n`,
    ],
    ...[
      '[\n'.repeat(100_000),
      '{a: '.repeat(100_000),
      '- '.repeat(100_000),
      '? '.repeat(100_000),
      'a: '.repeat(50_000),
    ],
    ...[
      Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      '"'.repeat(1e6),
      `a: |\n${' x\n'.repeat(1e5)}`,
    ],
    ...[
      '',
      '\0',
      '\ufeff',
      '%YAML 9.9\n---\n',
      '---\n---\n',
      '- 1\n',
      'workflow: 1\n',
      'workflow: {}\n',
      'workflow: {type: {}}\n',
    ],
    ...[
      '!!js/function "x"\n',
      '!<tag:yaml.org,2002:js/regexp> x\n',
      `${serial}x: !!binary "////"\n`,
      `${serial}? [a, b]\n: c\n`,
    ],
    ...[
      `${serial}inputs: 5\n`,
      `${serial}inputs: {files: x}\n`,
      `${serial}inputs: {files: [1]}\n`,
      `${serial}inputs: {files: [null]}\n`,
    ],
    ...[
      `${serial}inputs: {files: [{a: b}]}\n`,
      `${serial}inputs: {directories: {a: b}}\n`,
      `${serial}inputs: {parameters: [1]}\n`,
    ],
    ...[
      `${serial}outputs: {files: {}}\n`,
      `${serial}outputs: []\n`,
      'workflow: {type: cwl, file: {a: 1}}\n',
      'workflow: {type: cwl, file: [x]}\n',
    ],
    ...[
      `${serial}__proto__: {files: [/etc/passwd]}\n`,
      `${serial}inputs: {__proto__: {files: [/etc/passwd]}}\n`,
      `${serial}<<: *x\n`,
    ],
    ...[
      'x'.repeat(9 * 2 ** 20),
      `# ${'\n#'.repeat(1e6)}`,
      `${serial}a: ${'&a '.repeat(1000)}x\n`,
      'a: 1\n'.repeat(20_000),
      Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n'),
    ],
  ];

  attack({ by: 'a hostile folder', on: 'here', what: 'brings scailfin down by a reana.yaml' }, async count => {
    const file = join(user.folder, 'reana.yaml');
    for (const text of texts) {
      writeFileSync(file, text);
      const error = await onlyOurs(text, () => readSubmission(file, {}));
      if (error) expect(error.message, text.slice(0, 200)).toMatch(/^\S+reana\.yaml(:\d+:\d+: | is too large)/);
      count();
    }
    const key = fc.constantFrom(
      'workflow',
      'inputs',
      'outputs',
      'files',
      'directories',
      'parameters',
      'type',
      'file',
      '__proto__',
    );
    const value = fc.letrec(tie => ({
      any: fc.oneof(hostile, fc.integer(), fc.constant(null), fc.boolean(), tie('list'), tie('group')),
      list: fc.array(tie('any'), { maxLength: 3 }),
      group: fc.dictionary(fc.oneof(key, hostile), tie('any'), { maxKeys: 4 }),
    }));
    const document = fc.record(
      { workflow: fc.oneof(fc.constant({ type: 'serial' }), value.any) },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(document, value.group, async (one, other) => {
        writeFileSync(file, stringify({ ...other, ...one }));
        await onlyOurs(readFileSync(file, 'utf8'), async () =>
          JSON.stringify((await readSubmission(file, {})).specification),
        );
        count();
      }),
      { numRuns: tries(400) },
    );
  });

  attack({ by: 'a hostile folder', on: 'here', what: 'has `run` end in a stack trace by a YAML bomb' }, async () => {
    user.knows(1);
    const file = join(user.folder, 'bomb.yaml');
    writeFileSync(file, bomb);
    const { status, said } = await scailfin('run', file);
    expect(said).toMatch(
      /^error: \S+bomb\.yaml:1:1: can't be read as YAML: Excessive alias count.*\n {2}→ its format: https/,
    );
    expect(status).toBe(2);
  });

  const flags = [
    ...[
      '--account',
      '--queue',
      '--user',
      '--headnode',
      '--nodes',
      '--cores',
      '--memory',
      '--walltime',
      '--idle-timeout',
    ],
    ...[
      '--site',
      '--min',
      '--max',
      '--submit',
      '--framework',
      '--reana',
      '--kubernetes',
      '--reana-image',
      '--transport',
      '--proxy',
    ],
  ];
  attack({ by: 'a hostile folder', on: 'here', what: 'brings `up --dry-run` down by any argument' }, async count => {
    for (const [turn, flag] of flags.entries())
      for (const text of oneInFour(nasty, turn)) {
        const site = flag === '--site' ? [] : ['--site', flag === '--proxy' ? 'local' : 'nersc', '--account', 'm1'];
        await copes('up', '--dry-run', ...site, `${flag}=${text}`);
        count();
      }
    for (const text of nasty)
      await copes('up', '--dry-run', '--site', 'nersc', '--account', 'm1', '--', text).then(() => count());
    const some = fc.uniqueArray(fc.constantFrom(...flags), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        some,
        fc.array(hostile, { minLength: 5, maxLength: 5 }),
        fc.boolean(),
        async (names, values, json) => {
          const args = names.map((name, n) => `${name}=${values[n]}`);
          await copes('up', values[4] as string, '--dry-run', ...args, ...(json ? ['--json'] : []));
          count();
        },
      ),
      { numRuns: tries(200) },
    );
  });

  attack({ by: 'a hostile folder', on: 'here', what: 'brings `run` down by any argument' }, async count => {
    const reana = await HostileReana.open();
    try {
      user.knows(reana.port);
      const file = join(user.folder, 'reana.yaml');
      writeFileSync(file, `${serial}inputs: {parameters: {a: 1}}\noutputs: {files: [r]}\n`);
      const out = `--out=${join(user.folder, 'out')}`;
      const others = ['--param', '--option', '--name', '--cluster', '--attach'];
      for (const [turn, text] of nasty.entries()) {
        for (const flag of oneInFour(others, turn)) {
          await copes('run', file, out, `${flag}=${text}`);
          count();
        }
        const all = [
          ['run', text, out],
          ['exec', text],
          ['logs', text],
          ['scale', text],
          ['env', text],
          ['connect', text],
        ];
        for (const args of oneInFour(all, turn)) await copes(...args).then(() => count());
      }
    } finally {
      await reana.close();
    }
  });

  attack(
    { by: 'a hostile folder', on: 'here', what: 'brings `sites` and `config` down by any argument' },
    async count => {
      const config = { sites: {} };
      for (const text of nasty) {
        for (const name of [text, `x@${text}`, `${text}@x`, `ssh://${text}`]) {
          const patient = await patientFor(name, undefined, config).catch(error => error);
          if (patient instanceof Error) expect(patient, name).toBeInstanceOf(ScailfinError);
          else for (const host of patient.login?.hosts ?? []) checkTarget({ host, user: patient.user });
          count();
        }
        for (const verb of ['show', 'validate', 'add']) await copes('sites', verb, text).then(() => count());
        await copes('config', 'get', text);
        await copes('config', 'set', text, text);
        await copes('config', 'set', 'sites.x.account', text);
        await copes('config', 'set', 'reana.values', text);
        await copes('config', 'unset', text);
        count(5);
      }
      const { status, said } = await scailfin(
        'sites',
        'check',
        'local',
        '--queue',
        '\u001b[2J',
        '--account',
        '$(touch pwned)',
      );
      expect(said).toContain('has characters that a batch script can');
      expect(status).toBe(1);
    },
  );

  attack(
    { by: 'a workflow', on: 'here', what: 'runs commands by the names of a profile: hosts, users' },
    async count => {
      for (const host of [
        '$(id)',
        '`id`',
        'a;id',
        '-oProxyCommand=id',
        'a b',
        "a'b",
        'a|b',
        '\u001b[2J',
        'a\nb',
        '$' + '{IFS}',
        'a>b',
        '',
      ]) {
        expect(() => sshSettings({ host }, { configFile: 'none' }), host).toThrow(ScailfinError);
        if (host === 'a b') continue;
        expect(() => sshSettings({ host: 'h', user: host }, { configFile: 'none' })).toThrow(/can't be a user/);
        count(2);
      }
      for (const user of ['a b', 'alice', 'DOMAIN\\alice', 'alice.b', 'a+b', 'alice@REALM', 'ä'])
        sshSettings({ host: 'h', user }, { configFile: 'none' });
      for (const host of ['a.example', '10.0.0.1', '::1', 'fe80::1%eth0', 'a_b'])
        sshSettings({ host }, { configFile: 'none' });
    },
  );

  attack({ by: 'a hostile folder', on: 'here', what: 'brings scailfin down by a profile that passes' }, async count => {
    const shipped = ['nersc', 'bluewaters', 'bridges', 'notredame'].map(name =>
      parse(readFileSync(join(packageRoot, 'sites', `${name}.yaml`), 'utf8')),
    );
    const paths = (value: unknown, at: readonly (string | number)[] = []): (string | number)[][] =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([key, inner]) =>
            paths(inner, [...at, Array.isArray(value) ? Number(key) : key]),
          )
        : [[...at]];
    const change = fc.tuple(fc.constantFrom(...shipped), fc.nat(), hostile, fc.nat(), hostile);
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(change, async ([profile, one, first, two, second]) => {
        const changed = structuredClone(profile);
        const all = paths(changed);
        for (const [n, text] of [
          [one, first],
          [two, second],
        ] as const) {
          const path = all[n % all.length] as (string | number)[];
          let inner = changed;
          for (const part of path.slice(0, -1)) inner = inner[part];
          inner[path.at(-1) as string] = text;
        }
        count();
        await onlyOurs(stringify(changed), async () => {
          const site = parseProfile(stringify(changed), 'x.yaml');
          const request = { account: 'm1', name: 'x' };
          const out = mkdtempSync(join(tmpdir(), 'render-'));
          try {
            const cluster = planCluster(request, site, { sites: {} });
            await renderAll(cluster, planSite(request, site, { sites: {} }, true), out);
            passed++;
          } finally {
            rmSync(out, { recursive: true });
          }
        });
      }),
      { numRuns: tries(300) },
    );
    expect(passed).toBeGreaterThan(tries(300) / 30);
  });

  attack(
    { by: 'a hostile folder', on: 'here', what: 'brings scailfin down by its own files: config, journal, caches' },
    async count => {
      const config = join(user.home, 'config/scailfin');
      mkdirSync(config, { recursive: true });
      const verbs = [
        ['config', 'get'],
        ['up', '--dry-run', '--site', 'local'],
        ['config', 'set', 'port', '2000'],
      ];
      for (const [turn, text] of texts.entries()) {
        writeFileSync(join(config, 'config.yaml'), text);
        for (const words of isThorough ? verbs : [verbs[turn % 3] as string[]]) {
          await copes(...words);
          count();
        }
      }
      rmSync(config, { recursive: true });
      user.knows(1);
      const journal = join(user.home, 'state/scailfin/clusters/here/journal.jsonl');
      const entries = readFileSync(journal, 'utf8')
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line));
      const lines = fc.array(
        fc.tuple(
          fc.constantFrom(...entries),
          fc.nat(),
          fc.oneof(fc.constant(undefined), fc.jsonValue({ maxDepth: 1 }), hostile),
        ),
        { minLength: 1, maxLength: 5 },
      );
      await fc.assert(
        fc.asyncProperty(lines, async changes => {
          const text = changes.map(([entry, n, value]) => {
            const copy = structuredClone(entry);
            const holders: Record<string, unknown>[] = [];
            const walk = (inner: unknown): void => {
              if (typeof inner !== 'object' || inner === null) return;
              holders.push(inner as Record<string, unknown>);
              for (const each of Object.values(inner)) walk(each);
            };
            walk(copy);
            const holder = holders[n % holders.length] as Record<string, unknown>;
            const keys = Object.keys(holder);
            if (keys.length > 0) holder[keys[n % keys.length] as string] = value;
            return JSON.stringify(copy);
          });
          writeFileSync(journal, [JSON.stringify(entries[0]), ...text].join('\n'));
          await copes('list');
          await copes('list', '--all', '--json');
          await copes('env', 'here');
          count();
        }),
        { numRuns: tries(150) },
      );
      for (const text of ['', '\0', '{', 'null', '[]', '{"pid":{}}']) {
        for (const name of ['tunnel-reana.json', 'lock', 'reana.token']) writeFileSync(join(journal, '..', name), text);
        for (const name of ['proxies.json']) writeFileSync(join(user.home, 'state/scailfin', name), text);
        writeFileSync(journal, entries.map(entry => JSON.stringify(entry)).join('\n'));
        for (const words of [['list'], ['env', 'here'], ['login'], ['connect', 'here', '--stop']])
          await copes(...words).then(() => count());
      }
    },
  );

  it('a reana.yaml as large and as deep as honest ones are is read', async () => {
    const steps = Array.from({ length: 5000 }, (_, i) => ({
      name: `step${i}`,
      environment: 'python:3.12',
      commands: [`echo '{"a": [${i}, {"b": 1}]}' | tr "{[" "" - : ? -`],
    }));
    const file = join(user.folder, 'reana.yaml');
    writeFileSync(
      file,
      stringify({
        inputs: { parameters: { a: { b: { c: [1, { d: 2 }] } } } },
        workflow: { type: 'serial', specification: { steps } },
      }),
    );
    const { specification } = await readSubmission(file, {});
    expect(specification.workflow.specification).toEqual({ steps });
    expect(specification.inputs?.parameters).toEqual({ a: { b: { c: [1, { d: 2 }] } } });
  });
});
