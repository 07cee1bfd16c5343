import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layOut } from '../../src/cli/guide/layout.js';
import { readInline, readMarkdown } from '../../src/cli/guide/markdown.js';
import { readMore, topics, topicText, topicTitle } from '../../src/cli/guide/topics.js';
import type { Line } from '../../src/cli/guide/words.js';
import { assemble } from '../../src/cli/program.js';
import { Ui } from '../../src/cli/ui.js';
import { packageRoot } from '../../src/paths.js';
import { onTerminal } from '../terminal.js';

// chalk takes any terminal of a CI service to be without colours
const env = { ...process.env, CI: undefined, FORCE_COLOR: undefined, NO_COLOR: undefined, TERM: 'xterm' };
const main = join(packageRoot, 'bin/scailfin.js');
const known = new Map<string, { stdout: string; stderr: string; status: number | null }>();
/** What it says and how it ends; each is run once. */
function scailfin(...words: string[]): { stdout: string; stderr: string; status: number | null } {
  const key = words.join(' ');
  const { stdout, stderr, status } =
    known.get(key) ?? spawnSync(process.execPath, [main, ...words], { env, encoding: 'utf8' });
  known.set(key, { stdout, stderr, status });
  return { stdout, stderr, status };
}

const textOf = (line: Line): string => line.map(word => (typeof word === 'string' ? word : word[1])).join('');
const shown = (text: string, width = 40, colours = false): string =>
  layOut(readMarkdown(text), { width, colours }).map(textOf).join('\n');

describe('a text in a terminal', () => {
  it('is wrapped between words; what belongs together stays so', () => {
    expect(shown('One two three `four`, five\nsix.', 15)).toBe('One two three\n`four`, five\nsix.');
    expect(shown('see (`a b`), *that* **is** all', 80)).toBe('see (`a b`), that is all');
    expect(shown('a verylongwordthatdoesnotfit b', 10)).toBe('a\nverylongwordthatdoesnotfit\nb');
  });

  it('has code in colour or between backticks', () => {
    expect(shown('type `scailfin up` now', 80, true)).toBe('type scailfin up now');
    expect(shown('type `scailfin up` now', 80, false)).toBe('type `scailfin up` now');
    expect(layOut(readMarkdown('`up`'), { width: 80, colours: true })).toEqual([[['cyan', 'up']]]);
  });

  it('does not break blocks of code, whose marks are no marks', () => {
    expect(shown('```\nscailfin config set a "*b* `c`"  # why\n\nend\n```', 20)).toBe(
      '    scailfin config set a "*b* `c`"  # why\n\n    end',
    );
  });

  it('says what to type for a topic, and where else a link leads', () => {
    expect(shown('See [bosco](bosco.md).')).toBe('See `scailfin help bosco`.');
    expect(shown('See [growth](bosco.md).')).toBe('See growth (scailfin help bosco).');
    expect(shown('[REANA](https://reana.io) [sites/README.md](../../sites/README.md)', 80)).toBe(
      'REANA (https://reana.io) sites/README.md',
    );
  });

  it('has a line below headings where there are no colours', () => {
    expect(shown('# One `two`\n\ntext')).toBe('One two\n-------\n\ntext');
    expect(shown('# One `two`\n\ntext', 40, true)).toBe('One two\n\ntext');
  });

  it('has lists with their lines below each other', () => {
    expect(shown('- one two three\n  four\n- five', 12)).toBe('- one two\n  three four\n- five');
  });

  const table =
    '| key | meaning |\n| --- | --- |\n| `a` | the first of the letters that there are |\n| `b\\|c` | two |';
  it('has tables in columns that fit', () => {
    const lines = ['key    meaning', '-----  -----------------------', '`a`    the first of the'];
    expect(shown(table, 30)).toBe([...lines, '       letters that there are', '`b|c`  two'].join('\n'));
    expect(shown(table, 200).split('\n')).toHaveLength(4);
  });

  it('has tables in rows where columns would be too narrow', () => {
    expect(shown(table, 16)).toBe('`a`\n    the first of\n    the letters\n    that there\n    are\n\n`b|c`\n    two');
  });

  it('ends, whatever stands in it', () => {
    for (const odd of ['', '|', '||', '```', '- ', '#', '# ', '|a\n', '[a](', '**', '- a\n\n  b', '1. x', '> y'])
      expect(() => shown(odd)).not.toThrow();
    expect(readInline('`a')).toEqual([{ text: '`a' }]);
  });
});

describe('the topics', () => {
  const files = readdirSync(join(packageRoot, 'docs/help'));

  it('are the texts of docs/help, all of them', () => {
    expect(files.sort()).toEqual(topics.map(t => `${t}.md`).sort());
  });

  it('are all in the README, with what they are about', () => {
    const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
    const listed = [...readme.matchAll(/^\| \[(\w+)\]\(docs\/help\/(\w+)\.md\) \| (.*) \|$/gm)];
    expect(listed.map(([, name]) => name)).toEqual([...topics]);
    expect(listed.map(([, , file]) => file)).toEqual([...topics]);
  });

  it.each(topics)('%s has a title that fits a line of help, and reads well at any width', topic => {
    expect(topicTitle(topic)).toMatch(/^\S.{3,66}$/);
    const blocks = readMarkdown(topicText(topic));
    const code = new Set(blocks.flatMap(b => (b.type === 'code' ? b.lines.map(line => `    ${line}`.trimEnd()) : [])));
    for (const width of [20, 40, 80, 100]) {
      for (const colours of [true, false]) {
        for (const line of layOut(blocks, { width, colours }).map(textOf)) {
          if (code.has(line)) continue;
          expect(line).not.toMatch(/\*\*|\]\(|```|^#|^\||\s$/);
          if (colours) expect(line).not.toContain('`');
          // only a word that is longer than a line
          if (line.length > width) expect(line.trim().replace(/^- /, '')).toMatch(/^\S+$/);
        }
      }
    }
  });

  it('are named by the commands that they are about, all of them', async () => {
    const program = await assemble(new Ui(), '0.0.0');
    const commands = program.commands.map(c => c.name());
    expect(Object.keys(readMore).filter(name => !commands.includes(name))).toEqual([]);
    expect(commands.filter(name => name !== 'list' && name !== 'help' && !(name in readMore))).toEqual([]);
  });
});

describe('scailfin help', () => {
  it('lists commands and topics', () => {
    const { stdout, status } = scailfin('help');
    expect(status).toBe(0);
    for (const topic of topics) expect(stdout).toContain(`\n  ${topic.padEnd(8)}  `);
    expect(stdout).toContain('bring a cluster up at a site');
    expect(scailfin('--help').stdout).toBe(stdout);
    expect(scailfin('help', 'help').stdout).toContain('Topics (scailfin help TOPIC):');
  });

  it('shows the help of a command, and of a command below it', () => {
    expect(scailfin('help', 'up').stdout).toBe(scailfin('up', '--help').stdout);
    expect(scailfin('help', 'proxy', 'init').stdout).toBe(scailfin('proxy', 'init', '--help').stdout);
    expect(scailfin('up', '--help').stdout).toContain(
      '\nMore: scailfin help headnode, scailfin help relay, scailfin help frameworks, scailfin help reana',
    );
  });

  it('shows a topic, in 80 columns without colours in a pipe', () => {
    const { stdout, stderr, status } = scailfin('help', 'bosco');
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toBe(`${shown(topicText('bosco'), 80)}\n`);
  });

  it('shows the command first where a topic has its name', () => {
    const { stdout } = scailfin('help', 'login');
    expect(stdout).toBe(`${scailfin('login', '--help').stdout}\n${shown(topicText('login'), 80)}\n`);
  });

  const onScreen = (columns: number, more: NodeJS.ProcessEnv = {}): string => {
    const argv = ['sh', '-c', `stty cols ${columns}; exec "$0" "$@"`, process.execPath, main, 'help', 'headnode'];
    const [file = '', ...args] = onTerminal(argv);
    return spawnSync(file, args, { env: { ...env, ...more }, encoding: 'utf8' }).stdout.replaceAll('\r\n', '\n');
  };
  it('fits the terminal, in colour unless NO_COLOR says otherwise', () => {
    expect(onScreen(60, { NO_COLOR: '1' })).toBe(`${shown(topicText('headnode'), 60)}\n`);
    expect(onScreen(300, { NO_COLOR: '1' })).toBe(`${shown(topicText('headnode'), 100)}\n`);
    const coloured = onScreen(60);
    expect(coloured).toContain('\u001b[36m');
    expect(coloured).not.toContain('`');
  });

  it('is JSON where that is wanted', () => {
    const topic = JSON.parse(scailfin('help', 'bosco', '--json').stdout);
    expect(topic).toEqual({ topic: 'bosco', title: topicTitle('bosco'), text: topicText('bosco') });
    const both = JSON.parse(scailfin('help', 'login', '--json').stdout);
    expect(Object.keys(both)).toEqual(['command', 'help', 'topic', 'title', 'text']);
    const all = JSON.parse(scailfin('help', '--json').stdout) as { commands: object[]; topics: { name: string }[] };
    expect(all.topics.map(t => t.name)).toEqual([...topics]);
    expect(all.commands.length).toBeGreaterThan(15);
  });

  it('names what is near to a word that it does not know', () => {
    const { stdout, stderr, status } = scailfin('help', 'proxys');
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 });
    expect(stderr).toMatch(/no command or topic "proxys"; did you mean (proxy|proxies)\?/);
    expect(stderr).toContain(topics.join(', '));
    expect(JSON.parse(scailfin('help', 'xyzzy', '--json').stdout)).toMatchObject({ error: 'UsageError' });
    expect(scailfin('help', 'proxy', 'ini').stderr).toContain(
      'scailfin proxy has no command "ini"; did you mean init?',
    );
  });

  it('is completed', () => {
    const script = scailfin('completion', 'bash').stdout;
    const complete = (...words: string[]): string[] =>
      spawnSync('bash', ['--norc', '-s', '--', 'scailfin', ...words], {
        input: `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n_scailfin\nprintf '%s\\n' "\${COMPREPLY[@]}"\n`,
        encoding: 'utf8',
      })
        .stdout.split('\n')
        .filter(Boolean);
    expect(complete('hel')).toEqual(['help']);
    expect(complete('help', 'pro')).toEqual(['proxy', 'proxies']);
    expect(complete('help', 'bo')).toEqual(['bosco']);
    expect(scailfin('completion', 'fish').stdout).toContain("'__fish_seen_subcommand_from help' -a bosco");
  });
});
