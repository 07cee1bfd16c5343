import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Headnode } from '../../src/headnode/component.js';
import { type Pin, pins } from '../../src/headnode/pins.js';
import { provideTools } from '../../src/headnode/tools.js';
import { LocalHost } from '../../src/hosts/local.js';
import { parseConfig } from '../../src/sites/config.js';
import type { ToolName } from '../../src/sites/values.js';
import { kubernetesTools } from '../kubernetes/tools.js';
import { OnPath } from './path.js';

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const program = (version: string): string => `#!/bin/sh\necho ${version}\n`;

/** Serves files with ranges, as download servers do, and breaks off as often as it is told to. */
class Downloads {
  readonly files = new Map<string, Buffer>();
  readonly asked: { url: string; range: string | undefined }[] = [];
  /** Bytes after which each of the next answers breaks. */
  breaks: number[] = [];
  ranges = true;
  #server: Server | undefined;

  async start(): Promise<string> {
    this.#server = createServer((request, response) => this.#answer(request, response));
    await new Promise<void>(resolve => this.#server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push({ url: request.url ?? '', range: request.headers.range });
    const file = this.files.get(request.url ?? '');
    if (!file) return void response.writeHead(404).end();
    const from = this.ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    if (from >= file.length) return void response.writeHead(416).end();
    const range = from ? { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` } : {};
    response.writeHead(from ? 206 : 200, { 'content-length': file.length - from, ...range });
    const end = this.breaks.shift();
    if (end === undefined) response.end(file.subarray(from));
    else response.write(file.subarray(from, from + end), () => setTimeout(() => response.destroy(), 700));
  }
}

describe('programs on the headnode', () => {
  let dir: string;
  let path: OnPath;
  let server: Downloads;
  let url: string;
  let progress: string[];
  const host = new LocalHost();
  const at = (): Headnode => ({ host, dir, cluster: 'mc', onProgress: detail => progress.push(detail) });

  beforeAll(() => {
    path = new OnPath();
  });
  afterAll(() => path.restore());
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-tools-'));
    path.only();
    server = new Downloads();
    url = await server.start();
    progress = [];
  });
  afterEach(() => {
    server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const serve = (name: string, content: Buffer): Pin => {
    server.files.set(`/${name}`, content);
    const file = { url: `${url}/${name}`, sha256: sha256(content) };
    return { version: 'v1.2.3', fits: version => version === 'v1.2.3', of: { amd64: file, arm64: file } };
  };
  const pinned = (own: Partial<Record<ToolName, Pin>>): Record<ToolName, Pin> => ({ ...pins, ...own });

  it('uses what is there in a fitting version, and fetches nothing', async () => {
    const kubectl = path.put(
      'kubectl',
      '#!/bin/sh\n[ "$*" = "version --client" ] && echo "Client Version: v1.31.2-k3s1"\n',
    );
    const helm = path.put('helm', '#!/bin/sh\n[ "$*" = "version --short" ] && echo v3.16.2+g13654a5\n');
    expect(await provideTools(at(), ['kubectl', 'helm'])).toEqual({ kubectl, helm });
    expect(existsSync(join(dir, 'tools'))).toBe(false);
  });

  it('asks minikube for its version without a trace in the home directory', async () => {
    const home = join(dir, 'home');
    mkdirSync(home);
    const minikube = path.put(
      'minikube',
      '#!/bin/sh\nmkdir -p "$(printenv MINIKUBE_HOME || echo ~)/.minikube/logs"\necho v1.36.0\n',
    );
    const before = process.env.HOME;
    process.env.HOME = home;
    try {
      expect(await provideTools(at(), ['minikube'])).toEqual({ minikube });
    } finally {
      process.env.HOME = before;
    }
    expect(readdirSync(home)).toEqual([]);
  });

  it('fetches the pinned one where there is none, or one of another version', async () => {
    path.put('kubectl', program('v1.19.0'));
    const tools = await provideTools(
      at(),
      ['kubectl'],
      {},
      pinned({ kubectl: serve('kubectl', Buffer.from(program('new'))) }),
    );
    expect(readFileSync(tools.kubectl, 'utf8')).toBe(program('new'));
    expect(statSync(tools.kubectl).mode & 0o777).toBe(0o700);
    expect(
      await provideTools(at(), ['kubectl'], {}, pinned({ kubectl: serve('kubectl', Buffer.from(program('new'))) })),
    ).toEqual(tools);
    expect(server.asked).toHaveLength(1);
  });

  it('takes a program out of its archive', async () => {
    const tar = join(dir, 'x/linux-amd64');
    mkdirSync(tar, { recursive: true });
    writeFileSync(join(tar, 'helm'), program('helm'));
    writeFileSync(join(tar, 'LICENSE'), 'text');
    await host.run(['tar', '-czf', join(dir, 'helm.tar.gz'), '-C', join(dir, 'x'), 'linux-amd64']);
    const pin = serve('helm.tar.gz', readFileSync(join(dir, 'helm.tar.gz')));
    const { helm } = await provideTools(at(), ['helm'], {}, pinned({ helm: pin }));
    expect((await host.run([helm])).stdout).toBe('helm\n');
    server.files.set('/empty', gzipSync('no archive'));
    const empty = { from: `${url}/empty`, sha256: sha256(gzipSync('no archive')) };
    await expect(provideTools(at(), ['helm'], { helm: empty })).rejects.toThrow(/holds no program helm/);
  });

  it('goes on with a download that breaks, and says how far it is', async () => {
    const big = randomBytes(4_000_000);
    server.breaks = [1_000_000, 2_000_000];
    const { minikube } = await provideTools(at(), ['minikube'], {}, pinned({ minikube: serve('minikube', big) }));
    expect(readFileSync(minikube).equals(big)).toBe(true);
    expect(server.asked.map(a => a.range)).toEqual([undefined, 'bytes=1000000-', 'bytes=3000000-']);
    expect(progress).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^minikube 2[45] % of 4 MB$/),
        expect.stringMatching(/^minikube 7[45] % of 4 MB$/),
      ]),
    );
    expect(readdirSync(join(dir, 'tools')).filter(f => !f.startsWith('.fetch'))).toHaveLength(1);
  });

  it('begins anew where the server knows no ranges, or a left piece is of something else', async () => {
    const big = randomBytes(300_000);
    server.ranges = false;
    server.breaks = [1000];
    const pin = serve('minikube', big);
    const { minikube } = await provideTools(at(), ['minikube'], {}, pinned({ minikube: pin }));
    expect(readFileSync(minikube).equals(big)).toBe(true);
    rmSync(join(dir, 'tools'), { recursive: true });
    mkdirSync(join(dir, 'tools'));
    writeFileSync(join(dir, `tools/.minikube-${pin.of.amd64.sha256.slice(0, 12)}`), randomBytes(300_000));
    server.ranges = true;
    await provideTools(at(), ['minikube'], {}, pinned({ minikube: pin }));
    expect(readFileSync(minikube).equals(big)).toBe(true);
  });

  it('keeps nothing that is not what was promised', async () => {
    const pin = serve('kubectl', Buffer.from('evil'));
    server.files.set('/kubectl', Buffer.from('more evil'));
    const failure = provideTools(at(), ['kubectl'], {}, pinned({ kubectl: pin }));
    await expect(failure).rejects.toThrow(
      `kubectl can't be fetched on this machine from ${url}/kubectl: ${url}/kubectl has sha256 ${sha256(Buffer.from('more evil'))}, not ${sha256(Buffer.from('evil'))}`,
    );
    expect(readdirSync(join(dir, 'tools'))).toEqual(['.fetch-kubectl']);
  });

  it('says what the server said, and how to name another source', async () => {
    const gone = { from: `${url}/gone`, sha256: sha256(Buffer.from('x')) };
    const failure = provideTools(at(), ['minikube'], { minikube: gone });
    await expect(failure).rejects.toThrow(/gone: curl: \(22\).*404/);
    await expect(failure).rejects.toMatchObject({
      hint: expect.stringContaining('scailfin config set tools.minikube'),
    });
  });

  it("takes the user's own source, a file there, before what is on the PATH", async () => {
    path.put('helm', program('v3.16.2'));
    const own = join(dir, 'my-helm');
    writeFileSync(own, program('mine'));
    const { helm } = await provideTools(at(), ['helm'], {
      helm: { from: own, sha256: sha256(Buffer.from(program('mine'))) },
    });
    expect((await host.run([helm])).stdout).toBe('mine\n');
    await expect(
      provideTools(at(), ['helm'], { helm: { from: join(dir, 'none'), sha256: 'a'.repeat(64) } }),
    ).rejects.toThrow(/No such file/);
  });

  it("goes through the headnode's proxy", async () => {
    const content = Buffer.from(program('by proxy'));
    server.files.set('http://publisher.invalid/helm', content);
    process.env.http_proxy = url;
    try {
      const source = { from: 'http://publisher.invalid/helm', sha256: sha256(content) };
      const { helm } = await provideTools(at(), ['helm'], { helm: source });
      expect(readFileSync(helm).equals(content)).toBe(true);
    } finally {
      delete process.env.http_proxy;
    }
  });

  it('is satisfied with wget', async () => {
    path.only({ without: ['curl'] });
    const content = Buffer.from(program('by wget'));
    const { helm } = await provideTools(at(), ['helm'], {}, pinned({ helm: serve('helm', content) }));
    expect(readFileSync(helm).equals(content)).toBe(true);
    path.only({ without: ['curl', 'wget'] });
    const none = provideTools(at(), ['kubectl'], {}, pinned({ kubectl: serve('kubectl', content) }));
    await expect(none).rejects.toMatchObject({
      message: expect.stringContaining('neither curl nor wget'),
      hint: 'install curl there',
    });
  });

  it('names the architecture that nothing is pinned for', async () => {
    path.put('uname', '#!/bin/sh\n[ "$1" = -m ] && echo riscv64 || echo Linux\n');
    await expect(provideTools(at(), ['helm'])).rejects.toThrow(
      'there is no pinned helm for this machine (Linux riscv64)',
    );
  });
});

const real = await kubernetesTools();
const skipped = 'missing' in real ? ` (skipped: ${real.missing})` : '';
it.skipIf(skipped)(`pins the kubectl that its publisher released${skipped}`, async () => {
  if ('kubectl' in real) expect(sha256(readFileSync(real.kubectl))).toBe(pins.kubectl.of.amd64.sha256);
});

it("reads one's own sources in the configuration", () => {
  const text = (from: string): string => `tools:\n  helm: {from: ${from}, sha256: ${'a'.repeat(64)}}\n`;
  expect(parseConfig(text('/opt/helm'), 'config.yaml').tools?.helm?.from).toBe('/opt/helm');
  expect(() => parseConfig(text('helm'), 'config.yaml')).toThrow(
    /config.yaml:2:\d+: .*must be a URL or an absolute path/,
  );
});
