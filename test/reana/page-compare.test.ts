import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, Window } from './page/browser.js';
import { openScene, type Scene } from './page/scene.js';

describe.skipIf(!hasBrowser)('two runs side by side', () => {
  let scene: Scene;
  let window: Window;
  const page = () => window.page;
  /** The cells of a line of a table, after its name. */
  const line = (table: string, name: string) =>
    page()
      .getByRole('table', { name: table })
      .locator('tr')
      .filter({ has: page().getByRole('rowheader', { name, exact: true }) })
      .locator('td');
  const words = async (table: string, name: string): Promise<string[]> =>
    (await line(table, name).allTextContents()).map(text => text.replaceAll('\u00a0', ' '));
  const verdict = (name: string) => page().locator('.pairs li', { hasText: name }).locator('.verdict').textContent();

  beforeAll(async () => {
    scene = await openScene();
    window = await Window.open();
    await window.enter(scene.stage.url, `/runs/${scene.one}`);
  });
  afterAll(async () => {
    await window?.close();
    await scene?.stage.close();
  });

  it('are chosen on the page of one of them: first the others of its name', async () => {
    const choice = page().getByLabel('Compare with');
    expect(await choice.locator('option').allTextContents()).toEqual(['roofit.2', 'fan-out.1']);
    await choice.focus();
    await page().keyboard.press('Tab');
    await page().keyboard.press('Enter');
    await page().getByRole('heading', { name: 'roofit.1 and roofit.2' }).waitFor();
    expect(page().url()).toBe(`${scene.stage.url}/#/compare/${scene.one}/${scene.other}`);
    expect(await page().evaluate(() => document.activeElement?.tagName)).toBe('H1');
    await expect.poll(() => page().title()).toBe('roofit.1 and roofit.2 · test · scailfin');
  });

  it('show which steps took longer, and how long', async () => {
    await line('Steps compared', 'gendata').first().waitFor();
    expect(await words('Steps compared', 'gendata')).toEqual([
      'Finished 3 min 00 s',
      'Finished 4 min 00 s (1 min 00 s longer)',
    ]);
    expect(await words('Runs compared', 'Steps')).toEqual(['1 of 2 steps', '1 of 2 steps']);
  });

  it('show the parameters that differ, and the lines of the specification', async () => {
    await page().getByText('Parameters that differ: 1 of 2.').waitFor();
    expect(await words('Parameters compared', 'events')).toEqual(['1000', '2000']);
    expect(await page().getByRole('rowheader', { name: 'seed' }).count()).toBe(0);
    await page().getByText('Lines of “inputs” that differ').click();
    expect(await page().locator('.diff .removed').allTextContents()).toEqual([
      '-{ parameters: { events: 1000, seed: 4 } }\n',
    ]);
    expect(await page().locator('.diff .added').allTextContents()).toEqual([
      '+{ parameters: { events: 2000, seed: 4 } }\n',
    ]);
  });

  it('tell which outputs differ, by their content', async () => {
    await page().locator('.pairs li').first().waitFor();
    expect(await verdict('results/notes.txt')).toBe('the same, 17 bytes');
    expect(await verdict('results/plot.pdf')).toMatch(/^differs, both \d+ bytes$/);
    expect(await verdict('results/table.csv')).toMatch(/^differs: \d+ bytes and \d+ bytes$/);
    expect(await verdict('results/first.txt')).toBe('only in roofit.1');
  });

  it('show an output of both, beside each other', async () => {
    for (const name of ['results/plot.png', 'results/fit.json']) {
      await page()
        .getByRole('button', { name: `Show ${name} of both runs` })
        .click();
    }
    await expect.poll(() => page().locator('[aria-busy]').count()).toBe(0);
    const images = ['roofit.1', 'roofit.2'].map(run => page().getByRole('img', { name: `results/plot.png of ${run}` }));
    const [left, right] = await Promise.all(images.map(image => image.boundingBox()));
    expect(right?.x).toBeGreaterThan((left?.x ?? 0) + (left?.width ?? 0));
    expect(right?.y).toBe(left?.y);
    await page()
      .getByRole('img', { name: /^Invariant mass/ })
      .nth(1)
      .waitFor();
    await page().getByRole('button', { name: 'Show results/first.txt of both runs' }).click();
    await page().getByText('This run does not have it.').waitFor();
    await window.picture('compared');
  });

  it('follow what happens', async () => {
    const { stage, other } = scene;
    const [running] = stage.steps.of(other).filter(step => step.request.name === 'fitdata');
    stage.steps.set(other, 'fitdata', { ...running, state: 'failed', exitCode: 1, ended: Date.now() });
    await line('Steps compared', 'fitdata').nth(1).getByText('Failed').waitFor();
  });

  it('change sides, and may have nothing in common', async () => {
    await page().getByRole('link', { name: 'Swap sides' }).click();
    await page().getByRole('heading', { name: 'roofit.2 and roofit.1' }).waitFor();
    await line('Steps compared', 'gendata').nth(1).getByText('shorter').waitFor();
    await page().goto(`${scene.stage.url}/#/compare/${scene.one}/${scene.fanOut}`);
    await line('Steps compared', 'reco').nth(1).getByText('3 steps, together').waitFor();
    expect(await words('Steps compared', 'reco')).toEqual(['no such step', 'Failed 3 steps, together 9 min 00 s']);
    await page().goto(`${scene.stage.url}/#/compare/${scene.one}/${'0'.repeat(8)}`);
    await page().getByText('One of these runs does not exist').waitFor();
    expect(window.problems).toEqual([]);
  });
});
