import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wrongPassword } from '../secrets.js';
import { token } from './edge/edges.js';
import { hasBrowser, Window } from './page/browser.js';
import { glidein, Stage } from './page/stage.js';

const now = Date.now();

describe.skipIf(!hasBrowser)("the edge's page", () => {
  let stage: Stage;
  let window: Window;
  let run: string;
  const page = () => window.page;
  const step = (name: string) => page().locator('.steps > li', { hasText: name });
  const text = (selector: string): Promise<string | null> => page().locator(selector).first().textContent();

  beforeAll(async () => {
    stage = await Stage.open();
    window = await Window.open({ timezoneId: 'Asia/Tokyo', locale: 'en-GB', acceptDownloads: true });
  });
  afterAll(async () => {
    await window?.close();
    await stage?.close();
  });

  it('asks for the token, and says when it is a wrong one', async () => {
    await page().goto(stage.url);
    const field = page().getByLabel('Token', { exact: true });
    await field.fill(wrongPassword);
    await page().keyboard.press('Enter');
    await page().getByRole('alert').getByText('refused this token').waitFor();
    expect(await field.inputValue()).toBe('');
    expect(await field.evaluate(element => element === document.activeElement)).toBe(true);
    await field.fill(token);
    await page().getByRole('button', { name: 'Open' }).click();
    await page().getByText('Live', { exact: true }).waitFor();
    // the browser tells of the one that was refused
    window.problems.splice(0);
  });

  it('says what to do next where nothing is there yet', async () => {
    await page().getByText('No runs yet.').waitFor();
    await page().getByText('scailfin run reana.yaml', { exact: true }).waitFor();
    await page().getByText('No node is in the pool yet').waitFor();
    await page().getByText('scailfin status test', { exact: true }).waitFor();
  });

  it('shows a run as soon as it is created, and the pool', async () => {
    run = await stage.start('roofit', { outputs: { files: ['results/plot.png'] } });
    await page().getByRole('link', { name: 'roofit.1' }).waitFor();
    stage.pool = {
      pool: 'alive',
      glideins: [glidein('lab', 'c1.example', 16, 12), glidein('nersc', 'nid0001', 8, 0)],
      tokens: [],
      jobs: { idle: 7, running: 12, held: 1, total: 20 },
    };
    await page().reload();
    await page().getByText('at 2 sites').waitFor();
    const numbers = (await page().locator('.numbers dd').allTextContents()).map(each => each.trim());
    expect(numbers).toEqual(['12 of 24', '12', '7 and 1 held', '2 at 2 sites']);
    await page().locator('summary').click();
    expect(await page().locator('.nodes tbody tr').allInnerTexts()).toEqual([
      expect.stringMatching(/^lab\s+c1\s+12 of 16\s+in 5\sh\s2\d\smin$/),
      expect.stringMatching(/^nersc\s+nid0001\s+0 of 8\s+in 5\sh/),
    ]);
    await page().locator('.plot path.area.used').waitFor();
  });

  it('shows its steps: when each waited and ran, and where', async () => {
    const minute = 60_000;
    const over = { state: 'finished', exitCode: 0, node: 'c1.example' } as const;
    const from = now - 10 * minute;
    stage.steps.set(run, 'gendata', { ...over, created: from, started: from + minute, ended: from + 4 * minute });
    stage.steps.set(run, 'fitdata', { ...{ created: from + 4 * minute, state: 'queued' }, reason: 'it waits' });
    await page().getByRole('link', { name: 'roofit.1' }).click();
    await step('fitdata').getByText('waits for a slot').waitFor();
    await expect.poll(() => page().title()).toBe('roofit.1 · Running · test · scailfin');
    expect(await step('gendata').locator('.step').innerText()).toMatch(/Finished\s+gendata\s+c1\s+3\smin\s00\ss/);
    const [queued, ran] = await Promise.all(
      ['.queued', '.ran'].map(async name => (await step('gendata').locator(name).boundingBox())?.width ?? 0),
    );
    expect((ran as number) / (queued as number)).toBeCloseTo(3, 0);
    await expect.poll(() => text('.words')).toBe('1 of 2 steps');
    // the reader's zone is not the edge's; the axis may begin just before an hour that it has its first mark in
    const format = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', timeZone: 'Asia/Tokyo' });
    const hours = [from, now].map(time => format.format(time)).join('|');
    const marks = await page().locator('.axis span').allTextContents();
    expect(marks).toContainEqual(expect.stringMatching(`^(${hours}):`));
  });

  it('follows what happens, in place and without moving what is there', async () => {
    const [waiting] = stage.steps.of(run).filter(each => each.request.name === 'fitdata');
    await step('fitdata').evaluate(element => Object.assign(element, { mark: 'same' }));
    await step('fitdata').locator('button').focus();
    await page().evaluate(() => {
      const moved: string[] = [];
      Object.assign(globalThis, { moved });
      // https://wicg.github.io/layout-instability/#sec-layout-shift
      type Shift = { readonly sources: readonly { readonly node: Element | null }[] };
      new PerformanceObserver(list => {
        // a bar's parts make room for each other as it grows: that is what it shows
        for (const { sources } of list.getEntries() as never as Shift[])
          moved.push(
            ...sources.flatMap(({ node }) => (node?.closest?.('.bar, .track') ? [] : [String(node?.nodeName)])),
          );
      }).observe({ type: 'layout-shift' });
    });
    stage.steps.set(run, 'fitdata', {
      ...waiting,
      state: 'running',
      reason: undefined,
      node: 'c2',
      started: Date.now(),
    });
    await step('fitdata').getByText('c2').waitFor();
    await expect.poll(() => step('fitdata').locator('.state').textContent()).toBe('Running');
    expect(await step('fitdata').evaluate(element => (element as never as { mark?: string }).mark)).toBe('same');
    expect(await page().evaluate(() => document.activeElement?.textContent)).toContain('fitdata');
    expect(await page().evaluate(() => (globalThis as never as { moved: string[] }).moved)).toEqual([]);
  });

  it('shows what a step prints while it prints it, and lets one read further up', async () => {
    const [running] = stage.steps.of(run).filter(each => each.request.name === 'fitdata');
    const { id } = running as { id: string };
    stage.steps.print(id, `${Array.from({ length: 60 }, (_, i) => `event ${i}`).join('\n')}\n`);
    await step('fitdata').locator('button').click();
    const log = page().locator('.log');
    await log.getByText('event 59').waitFor();
    const fromEnd = () => log.evaluate(element => element.scrollHeight - element.scrollTop - element.clientHeight);
    expect(await fromEnd()).toBeLessThan(2);
    stage.steps.print(id, '\u001b[32mgreen\u001b[0m\n10 %\r50 %\r');
    await log.getByText('50 %').waitFor();
    expect(await log.textContent()).toMatch(/event 59\ngreen\n50 %$/);
    expect(await fromEnd()).toBeLessThan(2);
    await log.evaluate(element => element.scrollTo(0, 0));
    await expect.poll(() => page().getByLabel('Follow').isChecked()).toBe(false);
    stage.steps.print(id, '100 %\nthe end\n');
    await log.getByText('the end').waitFor();
    expect(await log.evaluate(element => element.scrollTop)).toBe(0);
    await page().getByLabel('Follow').check();
    expect(await fromEnd()).toBeLessThan(2);
    stage.steps.set(run, 'fitdata', {
      id,
      state: 'failed',
      exitCode: 3,
      ended: Date.now(),
      reason: 'It ended with 3.',
    });
    await page().getByText('Complete', { exact: true }).waitFor();
    await page().getByText('Failed, exit status 3').waitFor();
    await page().locator('.details').getByText('It ended with 3.').waitFor();
  });

  it('gives outputs without showing the token to the list of downloads', async () => {
    const results = join(stage.edge.dir, 'workspaces', run, 'results');
    await mkdir(results, { recursive: true });
    await writeFile(join(results, 'plot.png'), 'a plot');
    await writeFile(join(results, 'more & más #1.txt'), 'more');
    await page().reload();
    await page().getByText('results/plot.png').waitFor();
    await page().getByLabel('All files of the workspace').check();
    await page().getByText('2 files').waitFor();
    const coming = page().waitForEvent('download');
    await page().getByRole('button', { name: 'Download results/more & más #1.txt' }).click();
    const download = await coming;
    expect(await readFile(await download.path(), 'utf8')).toBe('more');
    expect(download.url()).not.toContain(token);
  });

  it('connects again by itself when the edge was away', async () => {
    await stage.edge.edge?.close();
    await page().getByText('Reconnecting…').first().waitFor();
    await stage.edge.start();
    await page().getByText('Live', { exact: true }).first().waitFor();
    window.problems.splice(0);
  });

  it('stops a run, but not by one click', async () => {
    const status = () => stage.edge.status('roofit');
    await page().getByRole('button', { name: 'Stop…' }).click();
    await page().keyboard.press('Escape');
    expect(await page().getByRole('dialog').count()).toBe(0);
    expect(await status()).toBe('running');
    await page().getByRole('button', { name: 'Stop…' }).click();
    expect(await page().evaluate(() => document.activeElement?.textContent)).toBe('Let it run');
    await page().getByRole('button', { name: 'Stop the run' }).click();
    await page().locator('.run-head').getByText('Stopped', { exact: true }).waitFor();
    expect(await status()).toBe('stopped');
    expect(await page().getByRole('button', { name: 'Stop…' }).isVisible()).toBe(false);
  });

  it('runs nothing that stands in names and logs', async () => {
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const hostile = await stage.start('hostile<b>');
    const id = stage.steps.set(hostile, evil, {
      state: 'failed',
      reason: evil,
      node: evil,
      command: evil,
      image: evil,
    });
    stage.steps.print(id, `${evil}\n`);
    await mkdir(join(stage.edge.dir, 'workspaces', hostile), { recursive: true });
    await appendFile(join(stage.edge.dir, 'workspaces', hostile, '<img src=x onerror=alert(1)>.txt'), '');
    await page().goto(`${stage.url}/#/runs/${hostile}`);
    await page().locator('.step').click();
    await page().locator('.log').getByText('<script>').waitFor();
    await page().locator('.files').getByText('<img').waitFor();
    expect(await page().locator('main img, main script, main b').count()).toBe(0);
    expect(await page().title()).toContain('hostile<b>.1');
    const { headers } = await fetch(stage.url);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    // and were a script to get in, it would not run
    await page().evaluate(() => {
      const script = document.createElement('script');
      script.append('document.title = "run"');
      document.body.append(script);
    });
    expect(await page().title()).not.toBe('run');
    window.problems.splice(0);
  });

  it('asked nobody but the edge, never by an address with the token in it, and had nothing to complain of', () => {
    expect(window.problems).toEqual([]);
    expect(window.requests.filter(url => !url.startsWith(`${stage.url}/`))).toEqual([]);
    expect(window.requests.filter(url => url.includes(token))).toEqual([]);
    expect(stage.edge.said.join('\n')).not.toContain(token);
  });
});
