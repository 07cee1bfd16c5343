import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, Window } from '../reana/page/browser.js';
import { glidein, Stage } from '../reana/page/stage.js';
import { attack } from './attack.js';

const markup = [
  '<img src=x onerror="window.owned=1">',
  '<script>window.owned=1</script>',
  '"><svg onload=window.owned=1>',
  "javascript:window.owned=1//'",
  '<iframe srcdoc="<script>parent.owned=1</script>">',
  '{{constructor.constructor("window.owned=1")()}}',
  '<a href="javascript:window.owned=1" autofocus onfocus=window.owned=1>x</a>',
];
const signs =
  '\u202egpj.exe \u2066x\u2069 a\u200bb \ufeff \u2028 \u001b]0;t\u0007 \u001b[31m \u009b2J \u0000 \u0008 \ud83d';
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const dangerous = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u;

describe.skipIf(!hasBrowser)("the edge's page under attack", () => {
  let stage: Stage;
  let window: Window;
  let run: string;
  const page = () => window.page;

  beforeAll(async () => {
    stage = await Stage.open();
    window = await Window.open();
    const hostile = `${markup.join(' ')} ${signs}`;
    run = await stage.start('hostile', { outputs: { files: [], directories: [] } });
    stage.pool = {
      pool: 'alive',
      glideins: [glidein(hostile, hostile, 4, 2)],
      tokens: [],
      jobs: { idle: 0, running: 0, held: 0, total: 0 },
    };
    for (const [n, each] of markup.entries()) {
      const more = { reason: hostile, node: hostile, command: hostile, image: hostile, job: hostile };
      const id = stage.steps.set(run, `${n} ${each} ${signs}`, { ...more, state: 'failed', exitCode: 1 } as never);
      stage.steps.print(id, `${hostile}\n`);
    }
    const dir = join(stage.edge.dir, 'workspaces', run);
    await mkdir(dir, { recursive: true });
    for (const [n, each] of markup.entries()) {
      const name = `${n} ${each.replaceAll('/', '_')} ${signs.replaceAll(/[\0\ud83d]/g, '')}.txt`;
      await writeFile(join(dir, name), hostile);
    }
  });
  afterAll(async () => {
    await window?.close();
    await stage?.close();
  });

  attack({ by: 'a step', on: 'here', what: 'puts markup, scripts and hidden signs into the page' }, async count => {
    await window.enter(stage.url);
    await page().locator('summary').click();
    await page().locator('.nodes').getByText('2 of 4').waitFor();
    const all: string[] = [];
    const look = async (): Promise<void> => {
      all.push(
        ...(await page().evaluate(() => {
          const attributes = [...document.querySelectorAll('main *')].flatMap(element =>
            ['title', 'aria-label', 'alt'].map(name => element.getAttribute(name) ?? ''),
          );
          return [document.title, document.body.innerText, document.body.textContent ?? '', ...attributes];
        })),
      );
      const strange =
        'main img, main script, main iframe, main a[href^="javascript"], main [onerror], main [onload], main [onfocus]';
      expect(await page().locator(strange).count()).toBe(0);
      expect(await page().evaluate(() => 'owned' in globalThis)).toBe(false);
    };
    await look();
    await page().goto(`${stage.url}/#/runs/${run}`);
    await page().locator('.step').first().waitFor();
    for (const [n, each] of markup.entries()) {
      await page()
        .locator('.step', { hasText: `${n} ${each.slice(0, 10)}` })
        .first()
        .click();
      await page().locator('.log').last().getByText('<script>').waitFor();
      await look();
    }
    await page().locator('.files').getByText('<iframe').first().waitFor();
    await look();
    count(markup.length * 9 * 2);
    expect(all.join('\n')).toContain('<script>window.owned=1</script>');
    for (const text of all) expect(text.replaceAll('\u00a0', ' ')).not.toMatch(dangerous);
    expect(window.problems).toEqual([]);
  });

  attack({ by: 'a step', on: 'here', what: 'freezes the page by what it prints' }, async count => {
    const size = 250_000;
    for (const part of ['\u001b]', '\u001b]0;', '\r', '\u001b[', '\u009d', 'x', '\u202e', '\rx', '\u001b[31m', '\n']) {
      const id = stage.steps.set(run, `printer ${JSON.stringify(part)}`, { state: 'finished', exitCode: 0 });
      stage.steps.print(id, `${part.repeat(size / part.length)}x\nthe end`);
      await page().goto(`${stage.url}/#/`);
      await page().goto(`${stage.url}/#/runs/${run}`);
      const step = page().locator('.step', { hasText: 'printer' }).last();
      await step.click();
      const began = Date.now();
      await page().locator('.log').last().getByText('the end').waitFor({ timeout: 15_000 });
      expect(Date.now() - began, JSON.stringify(part)).toBeLessThan(15_000);
      expect(await page().locator('.log').last().textContent()).not.toMatch(dangerous);
      count();
    }
  });

  attack({ by: 'a server', on: 'here', what: 'turns a text into markup or code in the page' }, async count => {
    await page().goto(stage.url);
    const tried = await page().evaluate(() => {
      const ways: Record<string, () => unknown> = {
        innerHTML: () => Object.assign(document.createElement('div'), { innerHTML: '<b>x</b>' }),
        insertAdjacentHTML: () => document.body.insertAdjacentHTML('beforeend', '<b>x</b>'),
        write: () => document.write('<b>x</b>'),
        script: () => Object.assign(document.createElement('script'), { text: 'window.owned = 1' }),
        source: () => Object.assign(document.createElement('script'), { src: 'data:text/javascript,window.owned=1' }),
        timeout: () => setTimeout('window.owned = 1' as never),
        policy: () =>
          (
            globalThis as never as { trustedTypes: { createPolicy(n: string, p: object): unknown } }
          ).trustedTypes.createPolicy('x', {}),
      };
      return Object.entries(ways).map(([name, way]) => {
        try {
          way();
          return name;
        } catch {
          return undefined;
        }
      });
    });
    count(tried.length);
    expect(tried.filter(name => name !== undefined)).toEqual([]);
    const { headers } = await fetch(stage.url);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/default-src 'none'.*base-uri 'none'.*form-action 'none'.*frame-ancestors 'none'/);
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
    window.problems.splice(0);
  });

  it('asked nobody else for anything', () => {
    expect(window.requests.filter(url => !url.startsWith(`${stage.url}/`))).toEqual([]);
  });
});
