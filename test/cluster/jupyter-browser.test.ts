// @module-tag nightly; each time: frameworks/jupyter/door
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Desk, offerJupyter } from '../lab/jupyter.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const program = '/usr/bin/chromium';
/** The first `up` installs JupyterLab. */
const slowly = { timeoutMs: 200_000 };
const reason = labUnavailable() ?? (existsSync(program) ? undefined : `${program} is missing`);
/** `output/page`, which git ignores: what the test saw. */
const pictures = new URL('../../output/page/', import.meta.url).pathname;

/** A real browser on the laptop, which reaches JupyterLab by the forwarded port. */
describe.skipIf(reason !== undefined)(
  `JupyterLab in Chromium${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 240_000 },
  () => {
    let lab: Lab;
    let desk: Desk;
    let browser: BrowserContext;
    let page: Page;
    let profile: string;
    beforeAll(async () => {
      profile = mkdtempSync(join(tmpdir(), 'scailfin-chromium-'));
      mkdirSync(pictures, { recursive: true });
      lab = await Lab.up();
      desk = new Desk(lab, 'laptop', 'far');
      await Promise.all([offerJupyter(lab, 'headnode'), offerJupyter(lab, 'laptop')]);
      // the browser runs on this machine, with the laptop's network
      const start = join(profile, 'start');
      writeFileSync(start, `#!/bin/sh\nexec nsenter --net --target ${lab.pidOf('laptop')} ${program} "$@"\n`, {
        mode: 0o700,
      });
      const args = [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
      ];
      browser = await chromium.launchPersistentContext(join(profile, 'own'), {
        ...{ executablePath: start, headless: true, args, viewport: { width: 1280, height: 900 } },
      });
      page = browser.pages()[0] ?? (await browser.newPage());
    }, 240_000);
    afterAll(async () => {
      await browser?.close();
      if (profile) rmSync(profile, { recursive: true, force: true });
      await lab?.down();
    }, 60_000);

    it('asks for the token, opens, and runs a cell', async () => {
      const options = ['--framework', 'jupyter', '--worker-cores', '2', '--worker-memory', '1500'];
      await scailfin(
        lab,
        'laptop',
        ['up', 'far', '--site', 'lab-slurm', '--headnode', 'headnode', '--nodes', '1', ...options],
        slowly,
      );
      const url = await desk.bash('echo "$U"');
      await page.goto(`${url}/`);
      await page.getByLabel('Token:').fill('something else');
      await page.getByRole('button', { name: 'Open JupyterLab' }).click();
      await page.getByText('This is not the token.').waitFor();
      await page.getByLabel('Token:').fill(await desk.bash('echo "$T"'));
      await page.screenshot({ path: join(pictures, 'jupyter-token.png') });
      await page.getByRole('button', { name: 'Open JupyterLab' }).click();
      // the page that waits looks again by itself
      await page.getByText('Launcher').first().waitFor({ timeout: 120_000 });
      expect(new URL(page.url()).host).toMatch(/^jupyter-[0-9a-f]{20}\.localhost:\d+$/);
      await page.locator('.jp-LauncherCard').filter({ hasText: 'Python 3' }).first().click();
      const cell = page.locator('.jp-Notebook .jp-InputArea-editor').first();
      await page.getByText('Python 3 (ipykernel) | Idle').waitFor({ timeout: 60_000 });
      await cell.click();
      await page.keyboard.insertText('import socket; print(sum(range(101)), socket.gethostname())');
      await cell.getByText('gethostname').waitFor();
      await page.keyboard.press('Shift+Enter');
      await page.getByText('5050 c1').waitFor({ timeout: 60_000 });
      await page.keyboard.press('Control+s');
      await page.getByRole('button', { name: 'Rename and Save' }).click();
      await page.screenshot({ path: join(pictures, 'jupyter-lab.png') });
      await expect
        .poll(async () => JSON.stringify(await desk.api('GET', 'contents/Untitled.ipynb')), { timeout: 60_000 })
        .toContain('5050 c1');
    });

    it("lets a notebook's script read nothing of other origins of this machine", async () => {
      const url = await desk.bash('echo "$U"');
      // a page of the user's own at the address, with a cookie, as another service on this machine has them
      await browser.addCookies([{ name: 'other', value: 'secret', url }]);
      const look = `fetch('${url}/', { credentials: 'include' })
        .then(answer => answer.text(), () => 'refused').then(got => ({ got, cookies: document.cookie }))`;
      const seen = (await page.evaluate(look)) as { got: string; cookies: string };
      expect(seen.got).toBe('refused');
      expect(seen.cookies).not.toContain('secret');
      // the door's own cookie is not for scripts
      expect(seen.cookies).not.toContain('scailfin-jupyter');
      expect((await browser.cookies(page.url())).find(c => c.name === 'scailfin-jupyter')).toMatchObject({
        httpOnly: true,
      });
    });

    it('leaves nothing behind but the notebook', async () => {
      const down = await scailfin(lab, 'laptop', ['down', 'far']);
      expect(down.stdout).toContain(verified);
      await lab.exec('login', ['rm', 'Untitled.ipynb'], { user: 'alice' });
      await expect.poll(() => lab.leftovers(), { timeout: 15_000 }).toEqual([]);
    });
  },
);
