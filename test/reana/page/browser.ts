import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { token } from '../edge/edges.js';

const executablePath = '/usr/bin/chromium';

/** `output/page`, which git ignores. */
const pictures = new URL('../../../output/page/', import.meta.url).pathname;

export const hasBrowser = existsSync(executablePath);
if (!hasBrowser) process.stderr.write(`${executablePath} is missing: the page is not tried in a browser\n`);

const quiet = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];

/** A page in Debian's Chromium, which has an empty profile of its own. */
export class Window {
  /** What went wrong in the page, and what its policy refused. */
  readonly problems: string[] = [];
  /** Whatever it asked for. */
  readonly requests: string[] = [];

  private constructor(
    readonly page: Page,
    readonly close: () => Promise<void>,
  ) {
    page.on('pageerror', error => this.problems.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
    page.on('request', request => this.requests.push(request.url()));
  }

  static async open(options: BrowserContextOptions = {}): Promise<Window> {
    const profile = mkdtempSync(join(tmpdir(), 'scailfin-chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
      ...{ executablePath, headless: true, args: quiet, viewport: { width: 1280, height: 900 } },
      ...options,
    });
    const page = context.pages()[0] ?? (await context.newPage());
    return new Window(page, async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    });
  }

  /** Keeps a picture of the whole page, for whoever wants to see what the tests saw. */
  async picture(name: string): Promise<void> {
    await this.page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  }

  /** As somebody who follows a link with the token in its fragment. */
  async enter(url: string, path = '/'): Promise<void> {
    await this.page.goto(`${url}/#token=${token}&${path}`);
    await this.page.getByText('Live', { exact: true }).first().waitFor();
  }
}
