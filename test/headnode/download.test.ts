import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download } from '../../src/headnode/download.js';
import { LocalHost } from '../../src/hosts/local.js';
import { templateText } from '../../src/templates.js';

const MB = 1e6;

describe('a download', () => {
  let dir: string;
  let server: Server;
  let url: string;
  let sent = 0;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-download-'));
    server = createServer(({ url: path }, response) => {
      sent = 0;
      if (path === '/small') return void response.end('small');
      if (path === '/gone') return void response.writeHead(404).end();
      // says how large it is, or not, and goes on for as long as somebody listens
      response.writeHead(200, path === '/told' ? { 'content-length': 10 ** 12 } : {});
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(100_000))) sent += 100_000;
        sent += 100_000;
      };
      response.on('drain', more);
      more();
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('to this machine is a file of the user alone', async () => {
    await download(`${url}/small`, join(dir, 'small'), 5, 'hint');
    expect(readFileSync(join(dir, 'small'), 'utf8')).toBe('small');
    expect(statSync(join(dir, 'small')).mode & 0o777).toBe(0o600);
    await expect(download(`${url}/gone`, join(dir, 'gone'), 5, 'hint')).rejects.toThrow(/gone: status 404/);
  });

  it.each(['told', 'untold'])('to this machine has an end, where its size is %s', async name => {
    const failure = download(`${url}/${name}`, join(dir, name), 3 * MB, 'the hint');
    await expect(failure).rejects.toMatchObject({
      message: expect.stringContaining('more than 3 MB'),
      hint: 'the hint',
    });
    if (name === 'untold') expect(statSync(join(dir, name)).size).toBeLessThanOrEqual(3 * MB);
    expect(sent).toBeLessThan(100 * MB);
  });

  it.each(['told', 'untold'])('to a headnode has an end, where its size is %s', async name => {
    const script = templateText('headnode/tool-fetch.sh');
    const args = [dir, 'tool', `${url}/${name}`, 'a'.repeat(64), '2048'];
    const end = await new LocalHost().run(['bash', '--norc', '-c', script, 'tool-fetch', ...args], { check: false });
    expect(end).toMatchObject({ exitCode: 10, stderr: expect.stringContaining(`${name} has more than 2 MiB`) });
    expect((await new LocalHost().run(['ls', '-A', join(dir, 'tools')])).stdout).toBe('');
    expect(sent).toBeLessThan(100 * MB);
  });
});
