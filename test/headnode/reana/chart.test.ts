import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Headnode } from '../../../src/headnode/component.js';
import { chartPath, provideChart } from '../../../src/headnode/reana/chart.js';
import { Kube } from '../../../src/headnode/reana/kube.js';
import { LocalHost } from '../../../src/hosts/local.js';
import { kubernetesTools } from '../../kubernetes/tools.js';
import { program } from '../../lab/programs.js';
import { planOf } from './plans.js';

const tools = await kubernetesTools();
const why = 'missing' in tools ? tools.missing : undefined;

describe.skipIf(why)(`REANA's chart${why ? ` (skipped: ${why})` : ''}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-chart-'));
  const at: Headnode = { host: new LocalHost(), dir: join(dir, 'cluster'), cluster: 'alpha', onProgress: () => {} };
  const helm = 'missing' in tools ? '' : tools.helm;
  const kube = new Kube(at.host, { ...planOf().kubernetes, helm }, at);
  let server: Server;
  let asked = 0;
  let from = '';
  let sha256 = '';

  beforeAll(async () => {
    const chart = fileURLToPath(new URL('../../kubernetes/chart', import.meta.url));
    await program([helm, 'package', chart, '--destination', dir]);
    const packed = readFileSync(join(dir, 'reana-0.9.4.tgz'));
    sha256 = createHash('sha256').update(packed).digest('hex');
    server = createServer((request, response) => {
      asked += 1;
      if (request.url === '/reana-0.9.4.tgz') response.end(packed);
      else response.writeHead(404).end();
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    from = `http://127.0.0.1:${(server.address() as AddressInfo).port}/reana-0.9.4.tgz`;
  });

  afterAll(() => {
    server.close();
    rmSync(dir, { recursive: true });
  });

  it('is fetched once, and verified each time', async () => {
    const path = chartPath(at, { from, sha256 });
    await provideChart(kube, at, { from, sha256 });
    await provideChart(kube, at, { from, sha256 });
    expect(asked).toBe(1);
    expect(await program([helm, 'show', 'chart', path])).toContain('version: 0.9.4');
    writeFileSync(path, 'changed');
    await expect(provideChart(kube, at, { from, sha256 })).rejects.toThrow(/not what it should be: its sha256 is/);
    await provideChart(kube, at, { from, sha256 });
    expect(asked).toBe(2);
  });

  it('of another digest is not kept', async () => {
    const wanted = '1'.repeat(64);
    await expect(provideChart(kube, at, { from, sha256: wanted })).rejects.toThrow(`its sha256 is ${sha256}, not 1`);
    expect(existsSync(chartPath(at, { from, sha256: wanted }))).toBe(false);
    expect(readdirSync(join(at.dir, 'reana/chart.new'))).toEqual([]);
  });

  it('that does not exist is reported in the words of its server', async () => {
    const gone = { from: from.replace('0.9.4', '0.9.5'), sha256 };
    rmSync(chartPath(at, gone), { force: true });
    await expect(provideChart(kube, at, gone)).rejects.toThrow(/can't be fetched on this machine: .*404/);
  });
});
