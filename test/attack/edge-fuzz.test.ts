import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { TestEdge, token } from '../reana/edge/edges.js';
import { attack } from './attack.js';

let edge: TestEdge;
let run: string;
let id: string;
beforeAll(async () => {
  edge = await TestEdge.open();
  run = await edge.create(['true']);
  ({ id } = await edge.json('GET', `/api/workflows/${run}/status`));
  furnish();
});
afterAll(() => edge.close());

/** What steps may leave, and what lies around it. */
function furnish(): void {
  const root = join(edge.dir, 'workspaces', id);
  const files = ['file', 'dir/a.txt', 'dir/deep/.b', 'odd \u001b[2J', '*', '[', '__proto__', '%2e%2e'];
  // a request may have made a directory in the place of a file, or the other way round
  for (const name of ['dir', ...files]) rmSync(join(root, name), { recursive: true, force: true });
  mkdirSync(join(root, 'dir/deep'), { recursive: true });
  for (const name of files) writeFileSync(join(root, name), 'x');
  const links = { out: '/etc/passwd', root: '/', up: '..', ring: '.', nothing: 'nowhere' };
  for (const [name, target] of Object.entries(links)) {
    rmSync(join(root, name), { recursive: true, force: true });
    symlinkSync(target, join(root, name));
  }
  spawnSync('mkfifo', [join(root, 'pipe')]);
}

const odd = fc.constantFrom(
  ...['..', '.', '', '/', '//', '%2e%2e', '..%2f', '%2F', '%00', '%', '%zz', '%ff', '%c0%ae', '%e2%80%ae', '\\', '~'],
  ...[
    '*',
    '**',
    '?',
    '[',
    '[!]',
    '{a,b}',
    '!(x)',
    '*a*a*a*b',
    '`id`',
    '$(id)',
    ';',
    '|',
    "'",
    '"',
    '<script>',
    '{{7*7}}',
  ],
  ...['file', 'dir', 'dir/a.txt', 'out', 'root/etc/passwd', 'up', 'ring/ring/file', 'nothing', 'pipe', '__proto__'],
  ...['constructor', 'toString', 'null', 'undefined', 'NaN', '-1', '0', '1e308', '99999999999999999999', 'true'],
  ...['a'.repeat(300), 'd/'.repeat(300), 'ü'.repeat(200), '\u202e', 'settings.json', '../../../settings.json'],
);
const text = fc.oneof(
  odd,
  fc.string({ maxLength: 20 }),
  fc.array(odd, { maxLength: 4 }).map(parts => parts.join('/')),
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  text,
  fc.dictionary(text, fc.oneof(text, fc.jsonValue({ maxDepth: 2 })), { maxKeys: 5 }),
);

const routes = [
  ...[
    '',
    '/page/:x',
    '/api/ping',
    '/api/you',
    '/api/info',
    '/api/secrets',
    '/api/workflows',
    '/api/workflows/:run/status',
  ],
  ...[
    '/api/workflows/:run/start',
    '/api/workflows/:run/logs',
    '/api/workflows/:run/specification',
    '/api/workflows/:run/parameters',
  ],
  ...[
    '/api/workflows/:run/workspace',
    '/api/workflows/:run/workspace/:x',
    '/api/workflows/move_files/:run',
    '/api/workflows/:run/disk_usage',
  ],
  ...[
    '/api/workflows/:run/diff/:run',
    '/api/workflows/:run/diff/:x',
    '/api/edge/overview',
    '/api/edge/ticket',
    '/api/edge/steps/:x/log',
  ],
  ...[
    '/api/workflows/:run/retention_rules',
    '/api/workflows/:run/open/:x',
    '/api/launch',
    '/:x',
    '/api/:x',
    '/api/workflows/:x/:x/:x',
  ],
];
const keys = [
  'file_name',
  'page',
  'size',
  'search',
  'status',
  'source',
  'target',
  'context_lines',
  'brief',
  'path',
  'run',
  'type',
];
const more = [
  'workflow_name',
  'overwrite',
  'summarize',
  'files_only',
  'preview',
  'sort',
  'verbose',
  'spec',
  'ticket',
  'x',
];

/** As a client would ask, but for what it says; the rest asks anything of anybody. */
const asked = fc
  .constantFrom(
    ...([
      ['POST', '/api/workflows/:run/workspace', ['file_name'], 'application/octet-stream'],
      ['GET', '/api/workflows/:run/workspace', ['file_name', 'page', 'size', 'search']],
      ['GET', '/api/workflows/:run/workspace/:x', ['preview']],
      ['DELETE', '/api/workflows/:run/workspace/:x', []],
      ['PUT', '/api/workflows/move_files/:run', ['source', 'target']],
      ['GET', '/api/workflows/:run/disk_usage', ['search', 'summarize']],
      ['GET', '/api/workflows/:run/diff/:run', ['context_lines', 'brief']],
      ['GET', '/api/workflows/:run/logs', ['page', 'size']],
      ['PUT', '/api/workflows/:run/status', ['status']],
      ['POST', '/api/workflows', ['workflow_name', 'spec']],
      ['GET', '/api/workflows', ['page', 'size', 'search', 'status', 'sort', 'type', 'verbose']],
      ['POST', '/api/secrets', ['overwrite']],
      ['DELETE', '/api/secrets', []],
      ['GET', '/api/edge/overview', ['run']],
      ['GET', '/api/edge/graph', ['run']],
      ['GET', '/api/edge/ticket', ['path']],
      ['GET', '/api/edge/steps/:x/log', []],
    ] as const),
  )
  .chain(([method, route, names, type]) =>
    fc.record({
      ...{ method: fc.constant<string>(method), route: fc.constant<string>(route), path: text },
      named: fc.constant('analysis.1'),
      query: fc.tuple(...names.map(name => fc.tuple(fc.constant<string>(name), fc.oneof(odd, text)))),
      isRaw: fc.boolean(),
      body: fc.option(value.map(v => JSON.stringify(v))),
      type: fc.constant(type ?? 'application/json'),
    }),
  );

const anything = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'),
  route: fc.constantFrom(...routes),
  path: text,
  named: fc.oneof({ weight: 4, arbitrary: fc.constant('analysis.1') }, text),
  query: fc.array(fc.tuple(fc.constantFrom(...keys, ...more), text), { maxLength: 4 }),
  isRaw: fc.boolean(),
  body: fc.option(
    fc.oneof(
      value.map(v => JSON.stringify(v)),
      fc.string({ maxLength: 50 }),
    ),
  ),
  type: fc.constantFrom(
    'application/json',
    'application/octet-stream',
    'text/plain',
    'multipart/form-data; boundary=x',
    '',
  ),
});

const request = fc.oneof({ weight: 2, arbitrary: asked }, anything);

const hasInternals = /\/proc\/self\/fd|node:internal|\n {4}at /;

attack(
  { by: 'a client with the token', on: 'here', what: 'sends whatever there is to every route' },
  async count => {
    let n = 0;
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    await fc.assert(
      fc.asyncProperty(request, async ({ method, route, path, named, query, isRaw, body, type }) => {
        const encode = isRaw ? (part: string) => part.replaceAll(/[^\x21-\x7e]|[?#]/g, '') : encodeURIComponent;
        const target = route.replaceAll(':run', () => safe(encode, named)).replaceAll(':x', () => safe(encode, path));
        const said = query.map(([key, what]) => `${key}=${safe(encode, what)}`).join('&');
        const { status, text } = await answerTo(method, `${target || '/'}?${said}`, body ?? undefined, type);
        count();
        // some of it was removed
        if (n++ % 50 === 0) furnish();
        const about = `${method} ${target}?${said} ${body}: ${status} ${text.slice(0, 300)}`;
        // 501: what this server says it does not have; 507, 503: no room
        expect([500, 502, 504].includes(status) ? about : '').toBe('');
        expect(text, about).not.toMatch(hasInternals);
        if (!target.startsWith('/api/info')) expect(text, about).not.toContain(edge.dir);
        expect(text, about).not.toContain('root:x:0');
      }),
      { numRuns: 4000, endOnFailure: true },
    );
    delay.disable();
    // nothing but the edge's own, and it goes on
    expect(readdirSync(edge.dir).sort()).toEqual(['incoming', 'pool.jsonl', 'runs', 'secrets', 'workspaces']);
    expect(readdirSync(join(edge.dir, 'incoming'))).toEqual([]);
    expect((await edge.json('GET', '/api/ping')).message).toBe('OK');
    expect(delay.max / 1e9).toBeLessThan(5);
  },
  300_000,
);

function safe(encode: (text: string) => string, part: string): string {
  try {
    return encode(part);
  } catch {
    return '%ed%a0%80'; // half of a letter
  }
}

/** By hand: a client of Node.js would tidy most of it up. What never ends by itself, as a stream does, is cut off. */
function answerTo(
  method: string,
  path: string,
  body: string | undefined,
  type: string,
): Promise<{ status: number; text: string }> {
  const content = Buffer.from(body ?? '');
  const head = [
    `${method} ${path.replaceAll(/[^\x21-\xff]/g, '')} HTTP/1.1`,
    ...['Host: localhost', `Authorization: Bearer ${token}`, 'Connection: close', `Content-Length: ${content.length}`],
    ...(type ? [`Content-Type: ${type}`] : []),
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(edge.url).port), '127.0.0.1');
    let said = '';
    const late = setTimeout(() => reject(new Error(`no answer to ${method} ${path} ${body}`)), 30_000);
    const done = (): void => {
      clearTimeout(late);
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 0), text: said });
    };
    socket.setEncoding('latin1').on('data', data => {
      said += data;
      if (/content-type: text\/event-stream/i.test(said)) done();
    });
    socket.once('close', done).on('error', () => {});
    socket.write(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), content]));
  });
}
