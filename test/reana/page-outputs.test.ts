import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, Window } from './page/browser.js';
import { csv, put } from './page/outputs.js';
import { openScene, type Scene } from './page/scene.js';

describe.skipIf(!hasBrowser)('outputs in the page', () => {
  let scene: Scene;
  let window: Window;
  const page = () => window.page;
  const show = async (name: string) => {
    const button = page().getByRole('button', { name: `Show ${name}`, exact: true });
    await button.click();
    const box = page().getByRole('group', { name, exact: true });
    await expect.poll(() => box.getAttribute('aria-busy')).toBeNull();
    return { box, button };
  };
  const files = (more: Readonly<Record<string, string | Buffer>>) =>
    put(join(scene.stage.edge.dir, 'workspaces', scene.one, 'results'), more);

  beforeAll(async () => {
    scene = await openScene();
    await files({
      'long.csv': csv(40_000),
      'wide.tsv': `${Array.from({ length: 90 }, (_, n) => `c${n}`).join('\t')}\n`,
      'empty.csv': '',
      'broken.png': 'no picture',
      'broken.json': '{',
      'long.txt': 'a line of text\n'.repeat(30_000),
    });
    window = await Window.open();
    await window.enter(scene.stage.url, `/runs/${scene.one}`);
    await page().getByText('results/plot.png').waitFor();
  });
  afterAll(async () => {
    await window?.close();
    await scene?.stage.close();
  });

  it.each(['results/plot.png', 'results/plot.svg'])('%s is a picture', async name => {
    const { box, button } = await show(name);
    const image = box.getByRole('img', { name });
    const width = await image.evaluate(element => (element as HTMLImageElement).naturalWidth);
    expect(width).toBe(name.endsWith('png') ? 300 : 400);
    expect(await button.getAttribute('aria-expanded')).toBe('true');
    await button.click();
    expect(await box.count()).toBe(0);
  });

  it('a PDF is shown by the browser', async () => {
    const { box } = await show('results/plot.pdf');
    await box.locator('iframe[title="results/plot.pdf"]').waitFor();
    // Chromium's viewer is an extension, in frames of its own: it is there only if nothing forbade it
    const viewer = () =>
      page()
        .frames()
        .some(frame => frame.url().startsWith('chrome-extension://'));
    await expect.poll(viewer, { timeout: 60_000 }).toBe(true);
  });

  it('a CSV is a table, with its quotes understood', async () => {
    const { box } = await show('results/table.csv');
    expect(await box.getByRole('columnheader').allTextContents()).toEqual(['bin', 'events, weighted', 'label']);
    const cells = await box.locator('tbody tr').nth(2).locator('td').allTextContents();
    expect(cells).toEqual(['2', '3', 'a "quoted" 2']);
    await box.getByText('30 lines, 3 columns').waitFor();
  });

  it('large tables are shown by their beginning, and say so', async () => {
    const { box } = await show('results/long.csv');
    await box.getByText('The first 200 lines and 3 columns; download the file to see all of it.').waitFor();
    expect(await box.locator('tbody tr').count()).toBe(200);
    const wide = await show('results/wide.tsv');
    await wide.box.getByText('The first 0 lines and 40 columns').waitFor();
    const empty = await show('results/empty.csv');
    await empty.box.getByText('The file has no lines.').waitFor();
  });

  it('histograms, maps and graphs of ROOT are drawn, with their numbers', async () => {
    const { box } = await show('results/fit.json');
    const names = await box.getByRole('img').evaluateAll(all => all.map(each => each.getAttribute('aria-label')));
    expect(names).toEqual([
      'Invariant mass: 60 bins from 0 to 10, 35448 entries',
      'correlation: 20 bins by 20, 10000 entries, at most 100 in one bin',
      'efficiency: 6 points',
    ]);
    const [histogram, , points] = await box.locator('.chart').all();
    await histogram?.locator('summary').click();
    const lines = await histogram?.locator('tbody tr').allInnerTexts();
    expect(lines).toHaveLength(60);
    // the middle: 2000 events, and their root as error
    expect(lines?.[30]?.split(/\s+/)).toEqual(['5', '5.16667', '2000', '44.7214']);
    await points?.locator('summary').click();
    // repetitions were taken together in the file, and the first value left out
    expect(await points?.locator('tbody tr').allInnerTexts()).toEqual(
      [0, 0.4, 0.7, 0.9, 0.9, 0.9].map((y, n) =>
        expect.stringMatching(
          new RegExp(`^${10 * n + 10}\\s+${y}\\s+${+(y - 0.05).toFixed(2)}\\s+${+(y + 0.05).toFixed(2)}$`),
        ),
      ),
    );
    expect(await points?.locator('.dot').count()).toBe(6);
    await window.picture('outputs');
  });

  it('other JSON and text is text', async () => {
    const other = await show('results/config.json');
    expect(await other.box.textContent()).toBe('{"a": 1}');
    const long = await show('results/long.txt');
    await long.box.getByText('The beginning, 256 KiB; download the file to see all of it.').waitFor();
    expect((await long.box.locator('pre').textContent())?.length).toBe(2 ** 18);
  });

  it('what can not be shown says why', async () => {
    const picture = await show('results/broken.png');
    await picture.box.getByRole('alert').getByText('the browser can’t read it as a picture').waitFor();
    const text = await show('results/broken.json');
    await text.box.getByRole('alert').getByText('the file is not JSON').waitFor();
    window.problems.splice(0);
  });

  it('a file that is written again is shown again', async () => {
    const { box } = await show('results/notes.txt');
    await box.getByText('the same in both').waitFor();
    const { stage, one } = scene;
    await new Promise(resolve => setTimeout(resolve, 1100));
    await writeFile(join(stage.edge.dir, 'workspaces', one, 'results/notes.txt'), 'written again');
    const [running] = stage.steps.of(one).filter(step => step.request.name === 'fitdata');
    stage.steps.set(one, 'fitdata', { ...running, state: 'finished', exitCode: 0, ended: Date.now() });
    await box.getByText('written again').waitFor();
    expect(window.problems).toEqual([]);
  });

  it('asked nobody but the edge and the browser itself', () => {
    const other = window.requests.filter(url => !/^(chrome|chrome-extension|blob|data):/.test(url));
    expect(other.filter(url => !url.startsWith(`${scene.stage.url}/`))).toEqual([]);
  });
});
