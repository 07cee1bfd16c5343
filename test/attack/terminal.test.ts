import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Ui } from '../../src/cli/ui.js';
import type { ClusterEvent } from '../../src/cluster/events.js';
import { ScailfinError } from '../../src/errors.js';
import { packageRoot } from '../../src/paths.js';
import { bounded, inLine, printable, printableJson } from '../../src/printable.js';
import { attack } from './attack.js';
import { type Said, UserHere } from './helpers/here.js';
import { HostileReana } from './helpers/reana.js';
import { isThorough, tries } from './thorough.js';

/** What a terminal would obey, or a reader not see; written out by hand, not by the properties that the code uses. */
const dangerous =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]|[\u{e0001}\u{e0020}-\u{e007f}]/u;

/** Titles, clear screen, cursor, colours, device answers, hyperlinks, clipboard, character sets, reset; 7 and 8 bits. */
const sequences = [
  ...[
    '\u001b]0;owned\u0007',
    '\u001b]0;owned\u001b\\',
    '\u009d0;owned\u009c',
    '\u001b]52;c;ZXZpbA==\u0007',
    '\u001b]8;;http://evil\u0007x',
  ],
  ...[
    '\u001b[2J',
    '\u001b[H',
    '\u001b[31;8m',
    '\u001b[1A\u001b[2K',
    '\u009b2J',
    '\u001b[6n',
    '\u001b[c',
    '\u001b[?1049h',
    '\u001b[>4;2m',
  ],
  ...[
    '\u001bc',
    '\u001b(0',
    '\u001b#8',
    '\u001bP$q"p\u001b\\',
    '\u001b_x\u001b\\',
    '\u001b^x\u001b\\',
    '\u001bX',
    '\u0090x\u009c',
  ],
  ...[
    '\u001b',
    '\u009b',
    '\u001b]',
    '\u001b[',
    '\u0007',
    '\b\b\b',
    '\u000e',
    '\u007f',
    '\u0085',
    'ok\rNO',
    'a\u0000b',
    '\u001b[\u001b[2J2J',
  ],
  ...[
    '\u202egpj.exe',
    '\u2066x\u2069',
    'a\u200bb',
    'a\u200db',
    '\u200e',
    '\ufeff',
    '\u2028',
    '\u2029',
    '\u00ad',
    '\u{e0041}',
    '\ud83d',
  ],
];
const hostile = `before ${sequences.join(' ')} after`;

describe('what is shown', () => {
  attack({ by: 'a step', on: 'here', what: 'hides a sign in a text that a terminal would obey' }, count => {
    // beyond the signs of today's scripts, and but for the invisible ones, a sixteenth of each plane stands for it
    const isDense = (from: number): boolean => isThorough || from < 0x20000 || (from >= 0xe0000 && from < 0xe1000);
    for (let from = 0; from < 0x110000; from += isDense(from) ? 64 : 1024) {
      const signs = Array.from({ length: 64 }, (_, n) => `a${String.fromCodePoint(from + n)}`);
      const text = signs.join('');
      for (const shown of [printable(text), inLine(text), printableJson(signs)])
        if (dangerous.test(shown)) throw new Error(`a sign from U+${from.toString(16)} on is shown`);
      if (/[\n\t]/.test(inLine(text))) throw new Error('a line of more than one');
      expect(JSON.parse(printableJson(signs))).toEqual(signs);
      count(signs.length);
    }
    for (const text of sequences) expect(printable(text)).not.toMatch(dangerous);
    const part = fc.oneof(
      fc.constantFrom(...sequences, '\n', '\r', ';', 'm', '[', ']', '\\'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(part), parts => {
        count();
        expect(printable(parts.join(''))).not.toMatch(dangerous);
        expect(JSON.parse(printableJson(parts))).toEqual(parts);
      }),
      { numRuns: tries(2000) },
    );
  });

  it('keeps what people write', () => {
    const honest = 'größer: 5 µm → 日本語, ελληνικά, עברית, العربية, naïve e\u0301, 🚀 ⚠️\n\tindented';
    expect(printable(honest)).toBe(honest);
    expect(printable('\u001b[32mgreen\u001b[0m\r\nnext\r\n')).toBe('green\nnext\n');
    expect(printable('10 %\r50 %\r100 %\n')).toBe('10 %\n50 %\n100 %\n');
    expect(printable('\u001b]0;title\u0007text \u001b]0;no end\ntext')).toBe('text 0;no end\ntext');
    expect(printable('pay\u200bpal \u202egpj.exe')).toBe('pay\ufffdpal \ufffdgpj.exe');
    expect(inLine('one\n  two\tthree')).toBe('one   two three');
    expect(bounded(`${'x'.repeat(10)}\nshort`, 4)).toBe('xxxx… (6 more characters)\nshor… (1 more characters)');
  });

  attack({ by: 'a step', on: 'here', what: 'makes showing it slow, or longer than a screen' }, count => {
    const parts = [
      '\u001b]',
      '\u001b[',
      '\u001b[1;',
      '\u009d',
      '\u0090',
      '\r',
      '\u001b',
      '\u009b',
      '\u001b[ ',
      '\u001bP;',
      '\u202e',
      'x',
      '\n',
      '\u001b]0;\u0007',
      '\ud800',
    ];
    for (const one of parts)
      for (const other of parts) {
        const text = (one + other).repeat(2e5 / (one + other).length);
        const began = performance.now();
        const shown = bounded(printable(text));
        expect(performance.now() - began, JSON.stringify(one + other)).toBeLessThan(2000);
        expect(shown.split('\n').some(line => line.length > 4100)).toBe(false);
        count();
      }
  });
});

describe('src/cli', () => {
  it('has one door to the terminal', async () => {
    const dir = join(packageRoot, 'src');
    const files = (await readdir(dir, { recursive: true })).filter(name => name.endsWith('.ts')).sort();
    const writers: string[] = [];
    const painters: string[] = [];
    for (const file of files) {
      const text = readFileSync(join(dir, file), 'utf8').replace(
        /\.(isTTY|rows|columns|getColorDepth\(\)|hasColors\(\))/g,
        '',
      );
      if (
        /\bprocess\b[^;]{0,40}\b(stdout|stderr)\b|\b(stdout|stderr) \} = process\b|console\.|\b(std(out|err))\.write\(|['"]\/dev\/(tty|std(out|err))|fd: [12]\b|writeSync\([12],/.test(
          text,
        )
      )
        writers.push(file);
      if (
        file.startsWith('cli/') &&
        /\\u001b|\\x1b|\\033|chalk|styleText|print(Script|Log)?\(\s*JSON\.stringify/.test(text)
      )
        painters.push(file);
    }
    // exec hands the terminal to the person's own command, by local.ts where that runs here; ui hands stderr to the
    // spinner and to questions, whose texts it has made harmless; ssh reads what askpass writes; that of the edge and the relay is their log
    expect(writers).toEqual([
      'cli/exec.ts',
      'cli/terminal.ts',
      'cli/ui.ts',
      'doors/askpass.ts',
      'doors/edge.ts',
      'doors/relay.ts',
      'hosts/local.ts',
    ]);
    expect(painters).toEqual(['cli/terminal.ts']);
    const ui = readFileSync(join(dir, 'cli/ui.ts'), 'utf8');
    expect(ui.match(/process\.std(out|err)(?!\.isTTY)/g)).toEqual(['process.stderr', 'process.stderr']);
    expect(ui).toMatch(/ora\?\.\(\{ text: this\.#title, stream: process\.stderr,/);
    expect(ui).toMatch(/const context = \{ output: process\.stderr \};/);
  });

  attack({ by: 'a batch system', on: 'here', what: 'sends escapes by any event or error' }, async count => {
    let said = '';
    const spies = [process.stdout, process.stderr].map(stream =>
      vi.spyOn(stream, 'write').mockImplementation(text => {
        said += text;
        return true;
      }),
    );
    try {
      const ui = new Ui();
      const sink = await ui.sink();
      const events: ClusterEvent[] = [
        { type: 'started', title: hostile },
        { type: 'progress', detail: hostile },
        { type: 'done', title: hostile, detail: hostile, ms: 1 },
        { type: 'failed', title: hostile, ms: 1 },
        { type: 'warning', text: hostile },
        { type: 'note', text: hostile },
      ];
      for (const event of events) sink(event);
      ui.print(hostile, ['green', hostile]);
      ui.say(['dim', hostile]);
      ui.printLog(hostile);
      ui.help('stderr', hostile);
      ui.fail(new ScailfinError(`${hostile}\n  → rm -rf ~`, { hint: hostile }));
      ui.fail(new Error(hostile));
      ui.json = true;
      ui.fail(new ScailfinError(hostile, { hint: hostile }));
      ui.fail(new Error(hostile));
      ui.printJson({ [hostile]: hostile });
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    count(17);
    expect(said).not.toMatch(dangerous);
    expect(said.match(/before/g)?.length).toBeGreaterThanOrEqual(20);
    // advice is ours alone
    expect(said).toContain('\n  > rm -rf ~');
    expect(JSON.parse(said.trim().split('\n').slice(-3).join('\n'))).toEqual({ [hostile]: hostile });
  });
});

describe('the real command line', () => {
  let user: UserHere;
  let reana: HostileReana;
  beforeEach(async () => {
    user = new UserHere();
    reana = await HostileReana.open();
    writeFileSync(
      join(user.folder, 'reana.yaml'),
      'workflow: {type: serial, specification: {steps: []}}\noutputs: {files: [r]}\n',
    );
  });
  afterEach(async () => {
    await reana.close();
    user.close();
  });

  /** Colours of ours, the terminal's own line ends, and a spinner that draws and wipes its one line: nothing else. */
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const own = /\r\n|\u001b\[(?:2|22|31|32|33|36|39)m|\u001b\[\?(?:25|2026)[lh]|\u001b\[[012]?K|\u001b\[1?[GA]/g;
  const isClean = ({ stdout, stderr }: Said): void => {
    const rest = (stdout + stderr).replace(own, '\n');
    expect(rest).not.toMatch(dangerous);
    if (!/^[[{]/m.test(stdout)) expect(rest).not.toMatch(/\n +→ rm|^error: none/m);
  };

  attack(
    { by: 'a step', on: 'here', what: 'prints escapes through `scailfin run`, on a terminal and in a pipe' },
    async count => {
      user.knows(reana.port);
      const log = `${hostile}\n${'\u001b[2J'.repeat(5)}\nerror: none\n  → rm -rf ~\n`;
      const times = { started_at: '2026-01-01T00:00:00', finished_at: hostile };
      for (const on of ['terminal', 'pipe'] as const) {
        reana.name = `run ${hostile}`;
        reana.steps = {
          [hostile]: { job_name: hostile, status: 'failed', logs: log, ...times },
          queued: { job_name: `two\n ✓ forged: finished`, status: 'queued', logs: log },
          odd: { job_name: 'x', status: hostile, logs: hostile },
        };
        reana.workflowLogs = log;
        reana.status = 'failed';
        reana.answer = () => undefined;
        const failed = await user.scailfin(['run'], on);
        isClean(failed);
        expect(failed.stdout + failed.stderr).toContain('before');
        expect(failed.stdout + failed.stderr).not.toMatch(/^ ✓ forged/m);
        expect(failed.status).toBe(1);
        reana.status = 'finished';
        reana.listed = path => [path, `r/${hostile}`, 'r/\u202ename'];
        isClean(await user.scailfin(['run'], on));
        for (const body of [JSON.stringify({ message: hostile }), hostile]) {
          reana.answer = () => ({ status: 500, body });
          isClean(await user.scailfin(['run'], on));
        }
        count(sequences.length * 4);
      }
    },
  );

  attack({ by: 'a server', on: 'here', what: 'has `--json` show a terminal what it would obey' }, async count => {
    user.knows(reana.port);
    reana.name = `run ${hostile}`;
    reana.listed = path => [path, `r/${hostile}`];
    const said = await user.scailfin(['run', '--json'], 'terminal');
    isClean(said);
    const { name, missing } = JSON.parse(said.stdout);
    // whole all the same
    expect(name).toBe(reana.name);
    expect(missing[0].name).toBe(`r/${hostile}`);
    count(sequences.length);
  });

  attack(
    { by: 'a batch system', on: 'here', what: 'sends escapes by reasons, errors and names in files' },
    async count => {
      const at = new Date().toISOString();
      user.knows(reana.port, [{ at, type: 'state', state: 'failed', reason: `${hostile}\nforged   running` }]);
      const config = join(user.home, 'config/scailfin');
      mkdirSync(join(config, 'sites'), { recursive: true });
      const profile = readFileSync(join(packageRoot, 'sites/local.yaml'), 'utf8').replace(
        /^title: .*/m,
        `title: ${JSON.stringify(hostile)}`,
      );
      writeFileSync(join(user.folder, 'site.yaml'), profile);
      writeFileSync(
        join(user.folder, 'broken.yaml'),
        `${JSON.stringify(hostile)}: 1\nname: ${JSON.stringify(hostile)}\n`,
      );
      writeFileSync(join(config, 'sites/odd.yaml'), `${JSON.stringify(hostile)}: 1\n`);
      for (const args of [
        ['list'],
        ['list', '--json'],
        ['env', 'here'],
        ['sites', 'list'],
        ['sites', 'list', '--json'],
        ['sites', 'show', './site.yaml'],
        ['sites', 'validate', './broken.yaml'],
        ['sites', 'check', `x@${sequences[0]}`],
        ['up', '--dry-run', '--site', './site.yaml'],
        ['up', '--site', hostile.replace('\u0000', '')],
        [`${sequences[0]}`],
        ['run', `--${sequences[0]}`],
        ['run', sequences[5] as string, '--json'],
        ['down', hostile.replace('\u0000', '')],
        ['config', 'get', hostile.replace('\u0000', '')],
      ]) {
        const said = await user.scailfin(args, 'terminal');
        isClean(said);
        expect(said.stdout, args.join(' ')).not.toMatch(/^forged/m);
        count();
      }
      const { stdout } = await user.scailfin(['list', '--json']);
      expect(JSON.parse(stdout)[0].reason).toBe(`${hostile}\nforged   running`);
    },
  );

  it('text in a log is complete in a file and with --json', async () => {
    const glidein = join(user.home, 'work/here/site');
    mkdirSync(join(glidein, 'logs'), { recursive: true });
    writeFileSync(join(glidein, 'logs', 'b1.0.out'), `${hostile}\nthe end\n`);
    const at = new Date().toISOString();
    user.knows(reana.port, [
      { at, type: 'site-facts', name: 'local', facts: { base: join(user.home, 'work'), user: 'me', host: 'here' } },
    ]);
    const shown = await user.scailfin(['logs'], 'terminal');
    isClean(shown);
    expect(shown.stdout).toContain('the end');
    isClean(await user.scailfin(['logs']));
    const copy = join(user.home, 'copy');
    const file = openSync(copy, 'w');
    await user.scailfin(['logs'], { file });
    closeSync(file);
    expect(readFileSync(copy, 'utf8')).toContain(hostile.slice(0, -10).replace('\ud83d', ''));
    const json = await user.scailfin(['logs', '--json']);
    isClean(json);
    expect(JSON.parse(json.stdout).text).toContain('\u001b]0;owned\u0007');
  });
});
