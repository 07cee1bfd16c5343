import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What axe-core finds wrong for people who use a keyboard or a screen reader, by rule and place. */
export async function violations(page: Page): Promise<string[]> {
  // by the debugger's way, which the page's policy does not concern
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { run } = (globalThis as never as { axe: typeof axe }).axe;
    // a browser's viewer of PDF is not ours
    const found = await run(document, { iframes: false });
    if (found.passes.length < 10) throw new Error(`axe looked at ${found.passes.length} rules only`);
    return found.violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.html.slice(0, 200)}`));
  });
}
