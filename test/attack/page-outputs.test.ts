// @module-tag nightly; each time: attack/page
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphOf } from '../../src/reana/edge/page/graph.js';
import { hasBrowser, Window } from '../reana/page/browser.js';
import { graph, pdf, put, svg, th1 } from '../reana/page/outputs.js';
import { record, Stage } from '../reana/page/stage.js';
import { attack } from './attack.js';

const script = 'try{top.owned=1}catch{};try{opener.owned=1}catch{};try{parent.owned=1}catch{};self.owned=1';
const specification = { workflow: { type: 'snakemake' } } as never;

describe.skipIf(!hasBrowser)("outputs in the edge's page under attack", { timeout: 300_000 }, () => {
  let stage: Stage;
  let window: Window;
  let beacon: Server;
  let heard: string[];
  let run: string;
  const drawn = record('drawn', { specification });
  const page = () => window.page;

  beforeAll(async () => {
    heard = [];
    beacon = createServer((request, response) => {
      heard.push(String(request.url));
      response.end();
    });
    await new Promise<void>(resolve => beacon.listen(0, '127.0.0.1', resolve));
    stage = await Stage.open(() => [drawn]);
    await mkdir(join(stage.edge.dir, 'runs', drawn.id, 'engine'));
    run = await stage.start('hostile', { outputs: { files: [], directories: [] } });
    window = await Window.open();
    await window.enter(stage.url, `/runs/${run}`);
  });
  afterAll(async () => {
    await window?.close();
    await stage?.close();
    beacon?.close();
  });

  /** Files that look like what the page shows, and want to be more. */
  const hostile = (): Record<string, string | Buffer> => {
    const away = `http://127.0.0.1:${(beacon.address() as AddressInfo).port}`;
    const html = `<!doctype html><script>${script}</script><img src="${away}/html" onerror="${script}"><iframe src="${away}/frame"></iframe>
<link rel="stylesheet" href="${away}/css"><meta http-equiv="refresh" content="1;url=${away}/refresh"><form action="${away}/form"></form>`;
    const drawing = svg(`<script>${script}</script><image href="${away}/svg" width="9" height="9"/>
<foreignObject width="99" height="99"><body xmlns="http://www.w3.org/1999/xhtml" onload="${script}"><img src="${away}/foreign" onerror="${script}"/></body></foreignObject>
<a href="javascript:${script}"><rect width="400" height="200" fill-opacity="0" onclick="${script}"/></a>
<style>@import url(${away}/import);</style><set attributeName="onload" to="${script}"/><use href="${away}/use#x"/>`);
    const markup = `<img src=x onerror="${script}"><script>${script}</script>`;
    const action = `/OpenAction << /S /JavaScript /JS (app.alert(1); this.submitForm("${away}/pdf"); app.launchURL("${away}/launch")) >>`;
    return {
      'script.svg': drawing.replace('<svg ', `<svg onload="${script}" `),
      'page.html': html,
      'html.svg': html,
      'html.png': html,
      'html.pdf': html,
      'html.csv': html,
      'html.txt': html,
      'html.json': html,
      'action.pdf': pdf('action', action),
      'uri.pdf': pdf('uri', `/OpenAction << /S /URI /URI (${away}/uri) >>`),
      'markup.csv': `${markup},=cmd|' /C calc'!A0\n"${markup.replaceAll('"', '""')}",@SUM(1)\n`,
      'markup.json': JSON.stringify({
        [markup]: th1(markup, markup, 9),
        b: { ...graph(markup), fTitle: `${markup};${markup};x` },
      }),
      'proto.json': `{"__proto__":{"owned":1},"constructor":{"prototype":{"owned":1}},"a":${JSON.stringify(th1('h', 'h', 3))}}`,
    };
  };

  const isOwned = () =>
    page().evaluate(() => 'owned' in globalThis || 'owned' in {} || document.querySelector('main script') !== null);

  attack(
    { by: 'a step', on: 'here', what: 'runs a script by a picture, table, document or text in the page' },
    async count => {
      const files = hostile();
      await put(join(stage.edge.dir, 'workspaces', run), files);
      await page().reload();
      for (const name of Object.keys(files).filter(name => !name.endsWith('.html'))) {
        await page()
          .getByRole('button', { name: `Show ${name}`, exact: true })
          .click();
        const box = page().getByRole('group', { name, exact: true });
        await expect.poll(() => box.getAttribute('aria-busy')).toBeNull();
        expect(await isOwned(), name).toBe(false);
        count();
      }
      // time for what loads later, such as a browser's viewer
      await page().waitForTimeout(3000);
      await page().locator('img[alt="script.svg"]').click();
      expect(await isOwned()).toBe(false);
      expect(heard).toEqual([]);
      expect(await page().locator('.shown script, .shown a, .shown [onerror], .shown [onload]').count()).toBe(0);
      const strange = page()
        .frames()
        .filter(frame => !/^(chrome-extension:|about:|http:\/\/127)/.test(frame.url()));
      expect(strange.map(frame => frame.url())).toEqual([]);
      // the refused parts are told of, which is right
      window.problems.splice(0);
    },
  );

  attack(
    { by: 'a step', on: 'here', what: 'runs a script, or tells others of a reader, in a tab or a frame of its own' },
    async count => {
      for (const name of Object.keys(hostile())) {
        const path = `/api/workflows/${run}/workspace/${name}`;
        const { ticket } = await stage.edge.json('GET', `/api/edge/ticket?path=${encodeURIComponent(path)}`);
        const address = `${stage.url}${path}?ticket=${ticket}&preview=true`;
        const { headers } = await fetch(address);
        const isShown = headers.get('content-disposition') === null;
        // what is no document of its own is only saved
        expect(isShown).toBe(!/\.(csv|json)$/.test(name));
        if (!isShown) continue;
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        const policy = headers.get('content-security-policy');
        const framed = name.endsWith('.pdf') ? 'self' : 'none';
        expect(policy).toMatch(new RegExp(`^default-src 'none';.* frame-ancestors '${framed}'; sandbox$`));
        const tab = await page().context().newPage();
        await tab.goto(address).catch(() => {});
        await tab.waitForTimeout(1500);
        // by the debugger, which may look into a page that can't run anything itself
        const seen = await tab.evaluate(() => {
          const isApart = (): boolean => {
            try {
              return sessionStorage.length < 0;
            } catch {
              return true;
            }
          };
          return { owned: 'owned' in globalThis, isApart: isApart(), isDocument: document.contentType };
        });
        expect(seen.owned, name).toBe(false);
        if (!name.endsWith('.pdf')) expect(seen.isApart, name).toBe(true);
        if (name.endsWith('.pdf')) expect(seen.isDocument).not.toBe('text/plain');
        await tab.close();
        count();
      }
      expect(heard).toEqual([]);
      expect(await isOwned()).toBe(false);
    },
  );

  attack({ by: 'a step', on: 'here', what: 'freezes the page by an output' }, async count => {
    const many = 1e9;
    const deep = (n: number): string => `${'['.repeat(n)}${']'.repeat(n)}`;
    const h = th1('h', 'h', 9);
    const files: Record<string, string> = {
      'columns.csv': 'x,'.repeat(400_000),
      'lines.csv': 'x,y\n'.repeat(60_000),
      'quote.csv': `"${'x,\n'.repeat(100_000)}`,
      'quotes.csv': '"'.repeat(300_000),
      'breaks.csv': '\r\n'.repeat(200_000),
      'signs.csv': ';,\t|\u001f'.repeat(60_000),
      'deep.json': deep(1_000_000),
      'objects.json': `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
      'bins.json': JSON.stringify({
        ...h,
        fXaxis: { ...h.fXaxis, fNbins: many },
        fArray: { $arr: 'Float64', len: many },
      }),
      'array.json': JSON.stringify({ ...h, fArray: { $arr: 'Float64', len: many, p: many, v: 1, n: many } }),
      'points.json': JSON.stringify({
        ...graph('g'),
        fNpoints: many,
        fX: { $arr: 'Float64', len: many, v: 1, n: many },
      }),
      'numbers.json': JSON.stringify({ ...h, fArray: [0, 1e308, -1e308, 5e-324, 'x', null, {}, 1e308, 1, 2, 3] }),
      'flat.json': JSON.stringify({ ...h, fXaxis: { ...h.fXaxis, fXmin: 1, fXmax: 1 + 2 ** -52 } }),
      'many.json': JSON.stringify(Array.from({ length: 3000 }, () => h)),
    };
    await put(join(stage.edge.dir, 'workspaces', run), files);
    await page().reload();
    for (const name of Object.keys(files)) {
      const button = page().getByRole('button', { name: `Show ${name}`, exact: true });
      await button.waitFor();
      const began = Date.now();
      await button.click();
      const box = page().getByRole('group', { name, exact: true });
      await expect.poll(() => box.getAttribute('aria-busy'), { timeout: 60_000 }).toBeNull();
      const shapes = await box
        .locator('.chart svg *')
        .evaluateAll(all => all.map(each => each.outerHTML.slice(0, 5000)));
      expect(shapes.join(''), name).not.toMatch(/NaN|Infinity/);
      expect(await box.locator('td, th').count(), name).toBeLessThan(50_000);
      await button.click();
      expect(Date.now() - began, name).toBeLessThan(20_000);
      count();
    }
    expect(window.problems).toEqual([]);
  });

  attack(
    {
      by: 'a workflow',
      on: 'headnode',
      what: 'makes the edge read a file of its user, or wait, as the graph of a run',
    },
    async count => {
      const dir = join(stage.edge.dir, 'runs', drawn.id, 'engine');
      const file = join(dir, 'graph.json');
      const secret = join(stage.edge.dir, 'secret.json');
      await writeFile(secret, '{"nodes":["secret","b"],"edges":[]}');
      const remove = () => execFileSync('rm', ['-rf', file]);
      const ways: Record<string, () => unknown> = {
        link: () => symlink(secret, file),
        pipe: () => execFileSync('mkfifo', [file]),
        directory: () => execFileSync('mkdir', [file]),
        endless: () => symlink('/dev/zero', file),
        large: () => writeFile(file, `{"nodes":["a","b"],"edges":[],"x":"${'x'.repeat(2 ** 20)}"}`),
        garbage: () => writeFile(file, '{"nodes":{"length":1e9},"edges":[]}'),
        deep: () => writeFile(file, '['.repeat(2 ** 20 - 1)),
        numbers: () => writeFile(file, '{"nodes":[1,null],"edges":[[1,2,3]]}'),
      };
      for (const [name, make] of Object.entries(ways)) {
        remove();
        await make();
        const began = Date.now();
        expect(await stage.edge.json('GET', `/api/edge/graph?run=${drawn.id}`), name).toEqual({});
        expect(Date.now() - began, name).toBeLessThan(5000);
        count();
      }
      remove();
      await writeFile(file, '{"nodes":["a","b"],"edges":[["a","b"],["a","nowhere"],["b","b"]]}');
      expect(await graphOf({ specification }, dir)).toEqual({ nodes: ['a', 'b'], edges: [['a', 'b']] });
    },
  );

  attack(
    { by: 'a workflow', on: 'here', what: 'freezes the page, or puts markup into it, by its graph' },
    async count => {
      const file = join(stage.edge.dir, 'runs', drawn.id, 'engine', 'graph.json');
      const names = Array.from({ length: 90 }, (_, n) => `n${n}`);
      const pairs = names.flatMap((a, i) => names.slice(i + 1).map(b => [a, b]));
      const markup = `<img src=x onerror="${script}">`;
      const graphs = {
        dense: { nodes: names, edges: pairs },
        circle: { nodes: names, edges: [...names.slice(1).map((b, i) => [names[i], b]), [names.at(-1), names[0]]] },
        all: {
          nodes: names.slice(0, 24),
          edges: pairs.filter(([a, b]) => Math.max(...[a, b].map(each => names.indexOf(each as string))) < 24),
        },
        names: {
          nodes: [markup, '__proto__', 'constructor', '"><svg onload=1>'],
          edges: [
            [markup, '__proto__'],
            ['__proto__', 'constructor'],
          ],
        },
      };
      for (const [name, value] of Object.entries(graphs)) {
        await writeFile(file, JSON.stringify(value));
        await page().goto(`${stage.url}/#/`);
        await page().goto(`${stage.url}/#/runs/${drawn.id}`);
        const began = Date.now();
        await page().locator('.graph:not([hidden])').waitFor({ timeout: 20_000 });
        expect(Date.now() - began, name).toBeLessThan(20_000);
        expect(await isOwned(), name).toBe(false);
        count();
      }
      expect(await page().locator('.graph-node').count()).toBe(4);
      expect(await page().locator('.graph img').count()).toBe(0);
      expect(window.problems).toEqual([]);
    },
  );

  it('asked nobody else for anything', () => {
    const other = window.requests.filter(url => !/^(chrome|chrome-extension|blob|data|about):/.test(url));
    expect(other.filter(url => !url.startsWith(`${stage.url}/`))).toEqual([]);
    expect(heard).toEqual([]);
  });
});
