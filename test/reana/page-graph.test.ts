import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, Window } from './page/browser.js';
import { fan, openScene, type Scene } from './page/scene.js';

describe.skipIf(!hasBrowser)('the graph of a workflow in the page', () => {
  let scene: Scene;
  let window: Window;
  const page = () => window.page;
  const node = (name: string) => page().locator(`.graph-node[title="${name}"]`);
  const place = async (name: string) => (await node(name).boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const listed = () => page().locator('.steps .step .name .text').allTextContents();

  beforeAll(async () => {
    scene = await openScene();
    window = await Window.open();
    await window.enter(scene.stage.url);
  });
  afterAll(async () => {
    expect(window.problems).toEqual([]);
    await window?.close();
    await scene?.stage.close();
  });
  const open = async (run: string): Promise<void> => {
    await page().goto(`${scene.stage.url}/#/runs/${run}`);
    await page().locator('.graph-node').first().waitFor();
  };

  it('stands beside the list, with steps that have not begun', async () => {
    await open(scene.one);
    await node('plot').getByText('not yet').waitFor();
    const [first, last, list] = await Promise.all([
      place('gendata'),
      place('plot'),
      page().locator('.timeline').boundingBox(),
    ]);
    expect(last.y).toBeGreaterThan(first.y + first.height);
    expect(list?.x).toBeGreaterThan(first.x + first.width);
    expect(await page().locator('.edge').count()).toBe(2);
  });

  it('follows what happens', async () => {
    const { one, stage } = scene;
    await node('fitdata').getByText('0 of 1 step').waitFor();
    const [running] = stage.steps.of(one).filter(step => step.request.name === 'fitdata');
    stage.steps.set(one, 'fitdata', { ...running, state: 'finished', exitCode: 0, ended: Date.now() });
    await node('fitdata').getByText('1 of 1 step').waitFor();
    expect(await node('fitdata').locator('.state').getAttribute('data-look')).toBe('finished');
  });

  it('draws nodes apart from each other, each below those before it, and above the list if it is wide', async () => {
    await open(scene.fanOut);
    const boxes = await Promise.all(fan.nodes.map(place));
    for (const [before, after] of fan.edges) {
      const [a, b] = [await place(before as string), await place(after as string)];
      expect(b.y, `${after} is below ${before}`).toBeGreaterThanOrEqual(a.y + a.height);
    }
    for (const [i, a] of boxes.entries()) {
      for (const b of boxes.slice(i + 1)) {
        const isApart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        expect(isApart).toBe(true);
      }
    }
    const list = await page().locator('.timeline').boundingBox();
    expect(list?.y).toBeGreaterThan((await place('plot')).y);
    await window.picture('graph-wide');
  });

  it('counts the steps that share a name, and shows the worst state of them', async () => {
    await node('reco').getByText('2 of 3, 1 failed').waitFor();
    expect(await node('reco').locator('.state').getAttribute('data-look')).toBe('failed');
  });

  it('is used by keyboard, and reads as what it says', async () => {
    await node('gen').focus();
    await page().keyboard.press('Tab');
    const second = await page().evaluate(() => document.activeElement?.textContent);
    expect(second).toMatch(/(reco|background|systematics).*, after gen$/);
    await node('reco').focus();
    await page().keyboard.press('Enter');
    expect(await listed()).toEqual(['reco', 'reco_2', 'reco_3']);
    await page().getByRole('button', { name: /reco/, pressed: true }).waitFor();
    await page().getByText('Steps of reco', { exact: true }).waitFor();
    await page().keyboard.press('Space');
    expect(await listed()).toEqual(['gen', 'reco', 'reco_2', 'reco_3']);
    await node('fit').click();
    await page().getByText('No step has this name yet.').waitFor();
    await page().getByRole('button', { name: 'All steps' }).click();
    expect((await listed()).length).toBe(4);
  });

  it('is left out where it could not be read', async () => {
    const nodes = Array.from({ length: 201 }, (_, n) => `n${n}`);
    await writeFile(
      join(scene.stage.edge.dir, 'runs', scene.fanOut, 'engine', 'graph.json'),
      JSON.stringify({ nodes, edges: [] }),
    );
    await page().reload();
    await page().getByText('A graph of 201 names of steps could not be read: it is left out.').waitFor();
    expect(await page().locator('.graph-node').count()).toBe(0);
    expect((await listed()).length).toBe(4);
  });
});
