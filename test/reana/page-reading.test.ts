// @module-tag nightly; each time: reana/page
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { token } from './edge/edges.js';
import { hasBrowser, Window } from './page/browser.js';
import { faint } from './page/contrast.js';
import { glidein, record, Stage } from './page/stage.js';

const now = Date.now();
const minute = 60_000;
const states = ['created', 'failed', 'finished', 'stopped', 'queued'] as const;

describe.skipIf(!hasBrowser)("the edge's page is readable", () => {
  let stage: Stage;
  let window: Window;
  let run: string;

  beforeAll(async () => {
    stage = await Stage.open(() =>
      states.map((status, i) => {
        const times = { created: now - i * 300 * minute, started: now - i * 300 * minute, finished: now };
        return record(`an-analysis-with-quite-a-long-name-${status}`, { ...times, status, reason: 'why it failed' });
      }),
    );
    run = await stage.start('fan-out');
    const put = (name: string, more: object): string =>
      stage.steps.set(run, name, { created: now - 9 * minute, node: 'nid00042.a-long-domain.example', ...more });
    const started = now - 8 * minute;
    put('prepare-the-workspace-with-a-very-long-name-of-a-step', {
      state: 'finished',
      started,
      ended: now,
      exitCode: 0,
    });
    put('fails', { state: 'failed', started, ended: now - minute, exitCode: 1, reason: 'why the step failed' });
    put('stopped', { state: 'stopped', started, ended: now - minute });
    put('waits', { state: 'queued', node: undefined });
    stage.steps.print(put('runs', { state: 'running', started }), `${'a long line of a log '.repeat(40)}\n`);
    await writeFile(join(stage.edge.dir, 'workspaces', run, `${'a-long-name-'.repeat(15)}.txt`), 'x');
    stage.pool = {
      ...{ pool: 'alive', glideins: [glidein('a-site-of-note', 'nid00042.a-long-domain.example', 128, 64)] },
      tokens: [],
      jobs: { idle: 1, running: 1, held: 0, total: 2 },
    };
  });
  afterEach(async () => {
    expect(window.problems).toEqual([]);
    await window.close();
  });
  afterAll(() => stage?.close());

  const home = async (): Promise<void> => {
    await window.enter(stage.url);
    await window.page.locator('summary').click();
    await window.page.locator('.nodes').getByText('64 of 128').waitFor();
  };
  const steps = async (): Promise<void> => {
    await window.enter(stage.url, `/runs/${run}`);
    for (const name of ['fails', 'runs']) await window.page.locator('.step', { hasText: name }).click();
    await window.page.getByText('a long line of a log').waitFor();
    await window.page.getByText('1 file', { exact: true }).waitFor();
  };

  it.each([320, 390, 1280])('at a width of %i px, without scrolling sideways', async width => {
    window = await Window.open({ viewport: { width, height: 844 }, hasTouch: width < 500 });
    const beyond = () =>
      window.page.evaluate(() =>
        [...document.querySelectorAll('body *')]
          .filter(element => element.checkVisibility() && !element.closest('.unseen, .skip, .wide, pre, .track'))
          .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
          .map(element => `${element.tagName}.${element.className}`),
      );
    for (const show of [home, steps]) {
      await show();
      const { scroll, client } = await window.page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return { scroll: scrollWidth, client: clientWidth };
      });
      expect(scroll).toBeLessThanOrEqual(client);
      expect(await beyond()).toEqual([]);
    }
  });

  it.each(['light', 'dark'] as const)('in %s colours', async colorScheme => {
    window = await Window.open({ colorScheme });
    await window.page.goto(stage.url);
    await window.page.getByLabel('Token', { exact: true }).waitFor();
    expect(await faint(window.page)).toEqual([]);
    for (const show of [home, steps]) {
      await show();
      expect(await faint(window.page)).toEqual([]);
    }
    await window.page.getByRole('button', { name: 'Stop…' }).click();
    expect(await faint(window.page)).toEqual([]);
    const ground = await window.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(Number(/\d+/.exec(ground)?.[0]) > 128).toBe(colorScheme === 'light');
  });

  it('by keyboard alone: all is reached, and seen to be', async () => {
    window = await Window.open();
    const { page } = window;
    for (const show of [home, steps]) {
      await show();
      const wanted = await page.evaluate(() => {
        const all = [...document.querySelectorAll('a[href], button, summary, input, [tabindex="0"]')];
        // of radio buttons, arrows choose
        const stops = all.filter(e => e.checkVisibility() && !(e.matches('[type=radio]') && !e.matches(':checked')));
        for (const [i, element] of stops.entries()) element.setAttribute('data-stop', String(i));
        return stops.length;
      });
      const reached = new Set<string>();
      for (let i = 0; i < wanted + 3; i++) {
        await page.keyboard.press('Tab');
        const stop = await page.evaluate(() => {
          const element = document.activeElement as HTMLElement;
          const ring = element.matches('[type=radio]') ? (element.nextElementSibling as HTMLElement) : element;
          return { id: element.dataset.stop, outline: getComputedStyle(ring).outlineStyle };
        });
        if (stop.id === undefined) continue;
        reached.add(stop.id);
        expect(stop.outline, `outline of stop ${stop.id}`).not.toBe('none');
      }
      expect(reached.size).toBe(wanted);
    }
  });

  it('by keyboard alone: a step is opened and closed, states are chosen', async () => {
    window = await Window.open();
    const { page } = window;
    await window.enter(stage.url, `/runs/${run}`);
    const first = page.locator('.step').first();
    await first.focus();
    await page.keyboard.press('Enter');
    expect(await first.getAttribute('aria-expanded')).toBe('true');
    await page.keyboard.press('Space');
    expect(await page.locator('.details').count()).toBe(0);
    await page.getByRole('radio', { name: 'All 5' }).focus();
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
    expect(await page.locator('.steps > li').allInnerTexts()).toEqual([expect.stringContaining('fails')]);
  });

  it('keeps what was opened to two logs at a time, where they were', async () => {
    window = await Window.open();
    const { page } = window;
    await window.enter(stage.url, `/runs/${run}`);
    const button = (name: string) => page.locator('.step', { hasText: name });
    for (const name of ['prepare', 'fails']) await button(name).click();
    await button('stopped').scrollIntoViewIfNeeded();
    const before = (await button('stopped').boundingBox())?.y ?? 0;
    await button('stopped').click();
    expect(await page.locator('.details').count()).toBe(2);
    expect(Math.abs(((await button('stopped').boundingBox())?.y ?? 0) - before)).toBeLessThan(2);
  });

  it('takes the token out of the address it came with', async () => {
    window = await Window.open();
    await window.enter(stage.url, `/runs/${run}`);
    expect(window.page.url()).toBe(`${stage.url}/#/runs/${run}`);
    expect(await window.page.evaluate(() => Object.values({ ...sessionStorage }))).toEqual([token]);
    expect(await window.page.evaluate(() => localStorage.length + document.cookie.length)).toBe(0);
  });
});
