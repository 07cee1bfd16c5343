// @module-tag nightly; each time: reana/edge-workspace, with small files
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, stat, statfs } from 'node:fs/promises';
import http from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChildEdge } from './edge/child.js';

const GiB = 2 ** 30;
/** MiB that moving a file of any size may add; Node's own garbage comes and goes by some dozens. */
const flat = 150;

let dir: string;
let edge: ChildEdge;
let files: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scailfin-edge-large-'));
  edge = new ChildEdge(dir);
  await edge.start();
  const workflow = { workflow: { type: 'serial', specification: { steps: [{ commands: ['true'] }] } } };
  const { workflow_id } = await edge.ask('POST', '/api/workflows?workflow_name=large', workflow);
  files = join(dir, 'workspaces', workflow_id);
});
afterEach(async () => {
  await edge.kill();
  await rm(dir, { recursive: true, force: true });
});

const sparse = (path: string, bytes: number): void => {
  writeFileSync(path, 'begin');
  truncateSync(path, bytes);
};

/** The bytes that come after the head; where their number is not told before, with what tells it between. */
async function received(path: string): Promise<number> {
  const { hostname, port, pathname, search } = new URL(edge.target(path));
  let head = '';
  let bytes = 0;
  const count = (size: number, buffer: Uint8Array): boolean => {
    const end = head.indexOf('\r\n\r\n');
    if (end >= 0) {
      bytes += size;
      return true;
    }
    head += Buffer.from(buffer.buffer, buffer.byteOffset, size).toString('latin1');
    const body = head.indexOf('\r\n\r\n') + 4;
    if (body >= 4) bytes += head.length - body;
    return true;
  };
  // into one piece of memory: a client that makes a new one for each part works harder than the server
  const onread = { buffer: Buffer.alloc(1 << 20), callback: count };
  const socket = connect({ host: hostname, port: Number(port), onread });
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  expect(head).toMatch(/^HTTP\/1\.1 200 /);
  return bytes;
}

it('a file of 5 GB is sent with flat memory', { timeout: 300_000 }, async () => {
  sparse(join(files, 'large.root'), 5 * GiB);
  await received('/api/workflows/large/workspace');
  const before = edge.peak;
  expect(await received('/api/workflows/large/workspace/large.root')).toBe(5 * GiB);
  expect(edge.peak - before).toBeLessThan(flat);
});

it('a file of 1 GB is received with flat memory, and is what was sent', { timeout: 300_000 }, async context => {
  const { bavail, bsize } = await statfs(dir);
  context.skip(bavail * bsize < 3 * GiB, 'less than 3 GB are free for it');
  const source = join(dir, 'source');
  sparse(source, GiB);
  const before = edge.peak;
  const path = '/api/workflows/large/workspace?file_name=in/large.root';
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': GiB };
  const request = http.request(edge.target(path), { method: 'POST', headers });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  await pipeline(createReadStream(source, { highWaterMark: 1 << 20 }), request);
  expect((await answered).statusCode).toBe(200);
  expect(edge.peak - before).toBeLessThan(flat);
  expect((await stat(join(files, 'in/large.root'))).size).toBe(GiB);
  expect(await digest(join(files, 'in/large.root'))).toBe(await digest(source));
});

it('an archive is sent with flat memory', { timeout: 300_000 }, async () => {
  for (const name of ['a', 'b']) sparse(join(files, name), GiB / 2);
  const before = edge.peak;
  expect(await received('/api/workflows/large/workspace/*')).toBeLessThan(GiB / 50);
  expect(edge.peak - before).toBeLessThan(flat);
});

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
