// @module-tag nightly; each time: reana/page
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './page/axe.js';
import { hasBrowser, Window } from './page/browser.js';
import { faint } from './page/contrast.js';
import { openScene, type Scene } from './page/scene.js';
import { glidein } from './page/stage.js';

/** On a screen and on a phone, in light and in dark colours. */
const kinds = [
  ['screen', 'light', 1280],
  ['screen', 'dark', 1280],
  ['phone', 'light', 360],
  ['phone', 'dark', 360],
] as const;

describe.skipIf(!hasBrowser)('the page for everybody', () => {
  let scene: Scene;
  let window: Window;

  beforeAll(async () => {
    scene = await openScene();
    const glideins = [glidein('a-site-of-note', 'nid00042.example', 128, 64)];
    scene.stage.pool = { pool: 'alive', glideins, tokens: [], jobs: { idle: 1, running: 1, held: 0, total: 2 } };
  });
  afterEach(() => window?.close());
  afterAll(() => scene?.stage.close());

  /** Each view, with all that opens in it. */
  const views: Readonly<Record<string, () => Promise<void>>> = {
    token: async () => {
      await window.page.evaluate(() => sessionStorage.clear());
      await window.page.goto(`${scene.stage.url}/?new`);
      await window.page.getByLabel('Token', { exact: true }).waitFor();
    },
    home: async () => {
      await window.enter(scene.stage.url);
      await window.page.locator('summary').click();
      await window.page.locator('.nodes').getByText('64 of 128').waitFor();
    },
    run: async () => {
      await window.page.goto(`${scene.stage.url}/#/runs/${scene.fanOut}`);
      await window.page.locator('.graph-node[title="reco"]').click();
      await window.page.locator('.step', { hasText: 'reco_3' }).click();
      await window.page.locator('.details').getByText('it failed').waitFor();
      await window.page.getByText('No output', { exact: true }).waitFor();
    },
    outputs: async () => {
      await window.page.goto(`${scene.stage.url}/#/runs/${scene.one}`);
      await window.page.getByText('results/plot.png').waitFor();
      for (const name of ['table.csv', 'plot.png', 'plot.pdf', 'fit.json', 'notes.txt']) {
        await window.page.getByRole('button', { name: `Show results/${name}`, exact: true }).click();
      }
      await expect.poll(() => window.page.locator('[aria-busy]').count()).toBe(0);
      await window.page.locator('.chart summary').first().click();
    },
    compare: async () => {
      await window.page.goto(`${scene.stage.url}/#/compare/${scene.one}/${scene.other}`);
      for (const name of ['plot.png', 'fit.json']) {
        await window.page.getByRole('button', { name: `Show results/${name} of both runs` }).click();
      }
      await window.page.locator('.changes summary').click();
      await expect.poll(() => window.page.locator('[aria-busy]').count()).toBe(0);
      await window.page.getByRole('rowheader', { name: 'gendata' }).waitFor();
    },
    stop: async () => {
      await window.page.goto(`${scene.stage.url}/#/runs/${scene.one}`);
      await window.page.getByRole('button', { name: 'Stop…' }).click();
      await window.page.getByRole('dialog').waitFor();
    },
  };

  it.each(kinds)(
    'on a %s in %s colours: axe-core finds nothing, nothing is faint, nothing is cut off',
    async (kind, colorScheme, width) => {
      window = await Window.open({ colorScheme, viewport: { width, height: 800 }, hasTouch: kind === 'phone' });
      await window.enter(scene.stage.url);
      for (const [name, show] of Object.entries(views)) {
        await show();
        await window.picture(`${name}-${kind}-${colorScheme}`);
        expect(await violations(window.page), name).toEqual([]);
        expect(await faint(window.page), name).toEqual([]);
        const [scroll, client] = await window.page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          return [scrollWidth, clientWidth] as const;
        });
        expect(scroll, name).toBeLessThanOrEqual(client);
      }
      expect(window.problems).toEqual([]);
    },
  );

  it('what axe-core would find is found', async () => {
    window = await Window.open();
    await window.enter(scene.stage.url);
    await window.page.evaluate(() => document.querySelector('main')?.append(document.createElement('button')));
    expect(await violations(window.page)).toEqual(['button-name: <button></button>']);
  });
});
