// @module-tag nightly; each time: reana/edge-client runs the newest client
import { expect, it } from 'vitest';
import { cellsOf } from './clients/cells.js';
import { columnInHelp, columnOf, refusalsOf, tableInHelp } from './clients/table.js';
import { clientVersions, reanaClient } from './edge/client.js';

/** The newest release; `npm run clients` tries all of them. */
const version = '0.9.6';
const client = await reanaClient(version);
if ('missing' in client) process.stderr.write(`${client.missing}: its verbs are not tried\n`);

it.skipIf('missing' in client)(
  `does with reana-client ${version} what the help says`,
  { timeout: 300_000 },
  async () => {
    const cells = await cellsOf('path' in client ? client.path : '');
    expect(columnOf(cells)).toEqual(columnInHelp(version));
    for (const verb of ['create', 'upload', 'start', 'run', 'logs', 'download'])
      expect(cells.get(verb), verb).toEqual({ is: 'works' });
    expect(refusalsOf(new Map([[version, cells]]))).toEqual([]);
  },
);

it('has a table in the help of all versions that are tried', () => {
  expect(tableInHelp().split('\n')[0]).toBe(`| ${['`reana-client`', ...clientVersions].join(' | ')} |`);
});
