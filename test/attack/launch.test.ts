import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { clone } from '../../src/reana/edge/launch/git.js';
import { makeLinks } from '../../src/reana/edge/launch/links.js';
import { isPublic, Reach } from '../../src/reana/edge/launch/reach.js';
import { Tunnel } from '../../src/reana/edge/launch/tunnel.js';
import { until } from '../lab/programs.js';
import { Ground, specification } from '../reana/launch/ground.js';
import { WebServer } from '../reana/launch/webserver.js';
import { type Entry, link, zipped } from '../reana/launch/zipped.js';
import { attack } from './attack.js';

const client = { by: 'a client with the token', on: 'headnode' } as const;
const hostile = { by: 'a server', on: 'headnode' } as const;

/** Addresses of which not everybody means the same machine, in the forms that programs understand. */
const inner = [
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.0.1.',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0.0.0.0',
    '0',
    '10.1.2.3',
    '172.16.0.1',
  ],
  ...[
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '198.18.0.1',
    '192.0.2.1',
    '224.0.0.1',
    '240.0.0.1',
  ],
  ...[
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[::127.0.0.1]',
    '[fe80::1]',
    '[fc00::1]',
  ],
  ...[
    '[fd00:ec2::254]',
    '[fec0::1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:db8::1]',
    '[ff02::1]',
    '[100::1]',
    '[4000::1]',
  ],
];

describe('what a launch may reach', () => {
  let ground: Ground;
  let secret: WebServer;

  beforeAll(async () => {
    ground = await Ground.open();
    secret = await WebServer.start(ground.certificate);
    for (const path of ['/reana.yaml', '/a.zip']) secret.serve(path, specification());
  });
  afterAll(async () => {
    secret?.close();
    await ground?.close();
  });
  afterEach(async () => {
    expect(secret.connections).toBe(0);
    expect(await ground.runs()).toBe(0);
    expect(await ground.left()).toEqual([]);
  });

  attack({ ...client, what: 'launches from loopback, private, link-local and own addresses' }, async count => {
    const own = Object.values(networkInterfaces())
      .flatMap(each => each ?? [])
      .map(({ address, family }) => (family === 'IPv6' ? `[${address.replace(/%.*/, '')}]` : address));
    for (const [n, host] of [...inner, ...own].entries()) {
      for (const path of n % 4 === 0 ? ['/a.zip', '/a.git'] : ['/reana.yaml']) {
        const { status, message } = await ground.launch({ url: `https://${host}${path}` });
        expect(message, host).toMatch(/an address that is not public|is not known|not a URL/);
        expect(status).toBe(400);
        count();
      }
    }
    // what the owner allows is a server and a port, and no others
    const reach = new Reach(['[::1]:443', 'LOCALHOST:8443', '10.0.0.1'], async () => [
      { address: '127.0.0.1', family: 4 },
    ]);
    for (const url of ['https://[::1]/', 'https://localhost:8443/', 'https://10.0.0.1/']) {
      expect(await reach.addresses(new URL(url))).toHaveLength(1);
    }
    for (const url of ['https://[::1]:8443/', 'https://localhost/', 'https://10.0.0.1:8443/', 'https://10.0.0.2/']) {
      await expect(reach.addresses(new URL(url))).rejects.toThrow(/is not public|is not asked/);
    }
    for (const address of ['127.0.0.1', '::1', '10.0.0.1', ...own.map(one => one.replace(/[[\]]/g, ''))]) {
      expect(isPublic(address), address).toBe(false);
    }
    expect(isPublic('188.184.0.1', ['188.184.0.1'])).toBe(false);
    expect(isPublic('2001:1458:d00::1', ['2001:1458:0d00:0::1'])).toBe(false);
    for (const address of ['8.8.8.8', '188.184.0.1', '2001:1458:d00::1']) expect(isPublic(address), address).toBe(true);
  });

  attack({ ...client, what: 'launches from a name whose addresses are not all public' }, async count => {
    for (const addresses of [
      ['127.0.0.1'],
      ['8.8.8.8', '127.0.0.1'],
      ['::1'],
      ['::ffff:10.0.0.1'],
      ['169.254.169.254'],
      [''],
    ]) {
      ground.addresses['inner.example.org'] = addresses;
      for (const path of ['/reana.yaml', '/a.git']) {
        const { message } = await ground.launch({ url: `https://inner.example.org${path}` });
        expect(message).toContain('inner.example.org has an address that is not public');
        count();
      }
    }
  });

  attack({ ...client, what: 'names servers whose name servers say nothing' }, async count => {
    let [now, most] = [0, 0];
    const resolve = async () => {
      most = Math.max(most, ++now);
      await sleep(200);
      now--;
      return [];
    };
    const reach = new Reach([], resolve);
    const asked = Array.from({ length: 5 }, (_, n) => reach.addresses(new URL(`https://${n}.example.org/`)));
    for (const one of await Promise.allSettled(asked)) {
      expect(one).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('is not known') } });
      count();
    }
    expect(most).toBe(1);
  });

  attack({ ...client, what: 'launches from other ports, to find what listens there' }, async count => {
    ground.addresses['other.example.org'] = ['8.8.8.8'];
    for (const port of [22, 80, 8443, secret.port]) {
      for (const host of ['other.example.org', '127.0.0.1']) {
        const { message } = await ground.launch({ url: `https://${host}:${port}/a.zip` });
        expect(message).toContain(`The port ${port} of ${host} is not asked`);
        count();
      }
    }
  });

  attack({ ...client, what: 'launches by other schemes than https, and with passwords' }, async count => {
    const file = join(ground.dir, 'analysis.git');
    const urls = [
      ...[`http://git.example.org:${ground.web.port}/a.zip`, `file://${file}`, file, `git://git.example.org/a.git`],
      ...[
        'ssh://git@git.example.org/a.git',
        'git@git.example.org:a.git',
        'ext::sh -c touch% /tmp/x',
        'ftp://git.example.org/a.zip',
      ],
      ...['https://me:password@git.example.org/a.git', 'https://me@git.example.org/a.zip', 'data:text/plain,x.zip', ''],
      ...['https://', `https://git.example.org/${'a'.repeat(3000)}.zip`, '-u.git', '--upload-pack=touch /tmp/x'],
    ];
    for (const url of urls) {
      const { status, message } = await ground.launch({ url });
      expect(message, url).toMatch(/must be https|a user or password|not a URL|longer than|has no url/);
      expect(status).toBe(400);
      count();
    }
    expect(ground.web.connections).toBe(0);
  });

  attack({ ...hostile, what: 'redirects to what a launch may not ask' }, async count => {
    ground.addresses['inner.example.org'] = ['127.0.0.1'];
    ground.addresses['other.example.org'] = ['10.0.0.1'];
    const targets = [
      ...[
        `https://127.0.0.1:${secret.port}/a.zip`,
        'https://127.0.0.1/a.zip',
        'https://[::1]/a.zip',
        'https://other.example.org/a.zip',
      ],
      ...[
        `https://inner.example.org:${secret.port}/a.zip`,
        `http://127.0.0.1:${secret.port}/`,
        'file:///etc/passwd',
        'ftp://127.0.0.1/a',
      ],
      ...[
        'https://169.254.169.254/latest/meta-data/',
        `//127.0.0.1:${secret.port}/a.zip`,
        'https://me:secret@git.example.org/',
        'https://',
      ],
    ];
    for (const [n, target] of targets.entries()) {
      ground.web.redirect(`/${n}.zip`, target);
      ground.web.redirect(`/${n}.git/info/refs`, target);
      for (const kind of ['zip', 'git']) {
        const { status, message } = await ground.launch({ url: ground.at(`/${n}.${kind}`) });
        expect(status, `${target}: ${message}`).toBe(400);
        expect(message).not.toContain('root:');
        count();
      }
    }
    ground.web.redirect('/round.zip', '/round.zip');
    expect((await ground.launch({ url: ground.at('/round.zip') })).message).toContain('more than 5 times');
  });

  attack({ ...hostile, what: 'has another address when it is looked up again' }, async () => {
    const second = await WebServer.start(ground.certificate, '/nonexistent', '127.0.0.2', ground.web.port);
    const lookups = ['127.0.0.1', '127.0.0.2', '127.0.0.2', '127.0.0.2'];
    const resolve = async () => [{ address: lookups.shift() ?? '', family: 4 }];
    const rebound = await Ground.open();
    try {
      await rebound.openEdge({ resolve, hosts: [`git.example.org:${ground.web.port}`], ca: ground.certificate.ca });
      const { message } = await rebound.launch({ url: ground.at('/never.zip') });
      expect(message).toContain('Cannot find');
      expect(lookups).toHaveLength(3);
      lookups.splice(0, 3, '127.0.0.1', '127.0.0.1', '127.0.0.1', '127.0.0.1');
      expect((await rebound.launch({ url: ground.at('/never.git') })).message).toContain('Cannot clone');
      expect(second.connections).toBe(0);
    } finally {
      await rebound.close();
      second.close();
    }
  });

  attack({ by: 'another user', on: 'headnode', what: 'uses the proxy of a launch' }, async count => {
    const tunnel = await Tunnel.open(ground.asking());
    try {
      const { port } = new URL(tunnel.url);
      const before = ground.web.connections;
      const wrong = Buffer.from('git:guessed').toString('base64');
      for (const header of ['', `Proxy-Authorization: Basic ${wrong}\r\n`, 'Proxy-Authorization: Basic \r\n']) {
        for (const request of [
          `CONNECT git.example.org:${ground.web.port} HTTP/1.1`,
          'GET https://git.example.org/ HTTP/1.1',
        ]) {
          const socket = connect(Number(port), '127.0.0.1');
          socket.write(`${request}\r\nHost: x\r\nConnection: close\r\n${header}\r\n`);
          const said = (await socket.toArray()).join('');
          expect(said).toMatch(/^HTTP\/1\.1 40[57] /);
          count();
        }
      }
      expect(ground.web.connections).toBe(before);
    } finally {
      tunnel.close();
    }
  });
});

describe('what a launch may fetch', () => {
  let ground: Ground;
  const small = { bytes: 2 ** 20, files: 50, time: 20_000 };

  beforeAll(async () => {
    ground = await Ground.open({ limits: small });
  });
  afterAll(() => ground?.close());
  afterEach(async () => {
    expect(await ground.runs()).toBe(0);
    expect(await ground.left()).toEqual([]);
  });

  const spec: Entry = { name: 'reana.yaml', content: specification({ files: ['x'] }) };
  const zip = (...entries: Entry[]) => {
    ground.web.serve('/a.zip', zipped([spec, ...entries]));
    return ground.launch({ url: ground.at('/a.zip') });
  };

  attack({ ...hostile, what: 'has an archive with names and kinds that lead out' }, async count => {
    const archives: Entry[][] = [
      ...['../x', 'a/../../x', '/etc/x', '..', 'a/..', 'C:/x', '..\\x', 'a\0b'].map(name => [{ name, content: 'x' }]),
      [{ name: 'x', mode: 0o010644 }],
      [{ name: 'x', mode: 0o060644 }],
      [{ name: 'x', mode: 0o140644 }],
      [{ name: 'x' }, { name: 'x' }],
      [{ name: 'x' }, { name: 'x/y' }],
      [{ name: 'x', content: '/etc/passwd', mode: link }],
      [{ name: 'd', content: '..', mode: link }],
      [{ name: 'x', content: '', mode: link }],
      [{ name: 'x', content: 'y'.repeat(5000), mode: link }],
      [
        { name: 'd', content: '/tmp', mode: link },
        { name: 'd/x', content: 'x' },
      ],
      [
        { name: 'd', content: 'e', mode: link },
        { name: 'x', content: 'd/../../../etc/passwd', mode: link },
      ],
      [
        { name: 'a/b', content: '..', mode: link },
        { name: 'x', content: 'a/b/../../etc', mode: link },
      ],
    ];
    for (const entries of archives) {
      const { status, message } = await zip(...entries);
      expect(status, `${JSON.stringify(entries)}: ${message}`).toBe(400);
      expect(message).not.toContain(ground.edge.dir);
      count();
    }
    expect(readdirSync(ground.edge.dir).filter(name => name === 'x')).toEqual([]);
  });

  attack({ ...hostile, what: 'has an archive that becomes too much' }, async count => {
    const zeros = Buffer.alloc(8 * 2 ** 20);
    expect(await zip({ name: 'x', content: zeros })).toMatchObject({ status: 413 });
    expect(await zip({ name: 'x', content: zeros, size: 10 })).toMatchObject({ status: 400 });
    expect(
      await zip(...Array.from({ length: 20 }, (_, n) => ({ name: `${n}`, content: zeros.subarray(0, 1e5) }))),
    ).toMatchObject({ status: 413 });
    expect(await zip(...Array.from({ length: 60 }, (_, n) => ({ name: `${n}` })))).toMatchObject({ status: 413 });
    expect(await zip({ name: `${'d/'.repeat(300)}x` })).toMatchObject({ status: 400 });
    count(5);
  });

  attack({ ...hostile, what: 'has an archive that is cut, changed or garbage' }, async count => {
    const whole = zipped([spec, { name: 'x', content: 'x'.repeat(100) }]);
    for (let n = 0; n < 60; n++) {
      const bytes = Buffer.from(whole);
      if (n % 2 === 0) ground.web.serve('/a.zip', bytes.subarray(0, Math.floor((n * whole.length) / 65)));
      else {
        for (let at = n; at < bytes.length; at += 97) bytes[at] = (bytes[at] ?? 0) ^ (n * 7);
        ground.web.serve('/a.zip', bytes);
      }
      const { status, message, workflow_id } = await ground.launch({ url: ground.at('/a.zip') });
      expect([200, 400, 413], message).toContain(status);
      if (workflow_id) {
        await until('it to be over', 60_000, async () => /finished|failed/.test(await ground.edge.status(workflow_id)));
        await ground.edge.json('PUT', `/api/workflows/${workflow_id}/status?status=deleted`, {});
      }
      count();
    }
  });

  attack({ ...hostile, what: 'sends more than it says, without an end, or nothing' }, async count => {
    const { pages } = ground.web;
    const chunk = Buffer.alloc(2 ** 16);
    pages.set('/endless.zip', (_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    });
    pages.set('/says.zip', (_, response) => void response.writeHead(200, { 'Content-Length': 2 ** 40 }).flushHeaders());
    pages.set('/cut.zip', (_, response) => {
      response.writeHead(200, { 'Content-Length': 1000 }).write('x');
      setTimeout(() => response.destroy(), 50);
    });
    expect(await ground.launch({ url: ground.at('/endless.zip') })).toMatchObject({ status: 413 });
    expect(await ground.launch({ url: ground.at('/says.zip') })).toMatchObject({ status: 413 });
    expect(await ground.launch({ url: ground.at('/cut.zip') })).toMatchObject({ status: 400 });
    const drip = (_: unknown, response: { write(text: string): unknown; destroyed: boolean }): void => {
      const timer = setInterval(() => (response.destroyed ? clearInterval(timer) : response.write('x')), 50);
    };
    for (const path of ['/drip.zip', '/drip.git/info/refs']) pages.set(path, drip as never);
    for (const path of ['/mute.zip', '/mute.git/info/refs']) pages.set(path, () => {});
    await ground.openEdge({ limits: { ...small, time: 1000 } });
    for (const path of ['/drip.zip', '/drip.git', '/mute.zip', '/mute.git']) {
      const began = Date.now();
      expect(await ground.launch({ url: ground.at(path) })).toMatchObject({ status: 408 });
      expect(Date.now() - began).toBeLessThan(5000);
    }
    count(7);
    await ground.openEdge({ limits: small });
  });

  attack({ ...hostile, what: 'has a specification that names files outside, or is a bomb' }, async count => {
    const out = ['../../../settings.json', '/etc/passwd', 'a/../../x'];
    const bomb = `a: &a [${'x,'.repeat(50)}]\n${'bcdefgh'.replaceAll(/./g, (c, n) => `${c}: &${c} [${`*${'abcdefgh'[n]},`.repeat(50)}]\n`)}workflow: {type: serial}\n`;
    const specs = [
      ...out.map(path => specification({ files: [path] })),
      ...out.map(path => specification({ directories: [path] })),
      ...out.map(path => specification({}, { workflow: { type: 'cwl', file: path } })),
      specification({}, { workflow: { type: 'serial', file: '../../../../etc/passwd' } }),
      ...[bomb, '['.repeat(100_000), 'x'.repeat(900_000), '', '\0', 'workflow: {type: shell}', '!!js/function "x"'],
    ];
    for (const text of specs) {
      ground.web.serve('/reana.yaml', text);
      const { status, message } = await ground.launch({ url: ground.at('/reana.yaml') });
      expect(status, `${text.slice(0, 80)}: ${message}`).toBe(400);
      expect(message).not.toContain(ground.edge.dir);
      count();
    }
  });

  attack({ ...hostile, what: 'has a repository with links that lead out' }, async count => {
    const links = ['/etc/passwd', '../x', 'd/../../x', 'sub/up/../../../x', '..', '../../../../settings.json'];
    for (const [n, target] of links.entries()) {
      const url = await ground.repository(`links${n}`, {
        ...{
          'reana.yaml': specification({ files: ['x'] }),
          'sub/file': '',
          'sub/up': { link: '..' },
          d: { link: 'sub' },
        },
        x: { link: target },
      });
      const { status, message } = await ground.launch({ url });
      expect(status).toBe(400);
      expect(message).toContain(`x is a link to ${target}, which is outside of what was fetched`);
      count();
    }
    // what reads them would refuse them, too, so they are also tried without it
    const dir = join(ground.dir, 'links');
    for (const target of [
      '/etc/passwd',
      '../../x',
      'd/../../../x',
      'up/../../../x',
      '../..',
      '',
      'x\0',
      'y/'.repeat(3000),
    ]) {
      await expect(makeLinks(dir, [{ path: 'sub/x', target }])).rejects.toThrow('outside of what was fetched');
      expect(existsSync(dir)).toBe(false);
      count();
    }
    await makeLinks(dir, [{ path: 'a/b/c', target: '../../x' }]);
    expect(readdirSync(join(dir, 'a/b'))).toEqual(['c']);
  });

  attack({ ...hostile, what: 'has a repository that becomes too much' }, async count => {
    const url = await ground.repository('bomb', { 'reana.yaml': specification() });
    const repository = join(ground.dir, 'bomb.git');
    // ten levels, each with ten times the one below: ten objects, and 10,000,000,000 files
    let tree = await hash('blob', '');
    for (let level = 0; level < 10; level++) {
      const mode = level === 0 ? '100644 blob' : '040000 tree';
      tree = mktree(Array.from({ length: 10 }, (_, n) => `${mode} ${tree}\t${n}`).join('\n'));
    }
    const large = await hash('blob', '\0'.repeat(8 * 2 ** 20));
    const files = mktree(`100644 blob ${large}\tlarge`);
    for (const top of [tree, files]) {
      const commit = await ground.git(repository, 'commit-tree', '-m', 'x', top);
      await ground.git(repository, 'update-ref', 'refs/heads/main', commit);
      const began = Date.now();
      expect(await ground.launch({ url })).toMatchObject({ status: 413 });
      expect(Date.now() - began).toBeLessThan(10_000);
      count();
    }
    // what can't be packed well does not even arrive
    const random = randomBytes(3_000_000);
    const noise = mktree(`100644 blob ${await hash('blob', random)}\tx`);
    await ground.git(
      repository,
      'update-ref',
      'refs/heads/main',
      await ground.git(repository, 'commit-tree', '-m', 'x', noise),
    );
    expect(await ground.launch({ url })).toMatchObject({ status: 413 });

    async function hash(type: string, content: string | Buffer): Promise<string> {
      const argv = ['-C', repository, 'hash-object', '-w', '-t', type, '--stdin'];
      return execFileSync('git', argv, { input: content, encoding: 'utf8' }).trim();
    }
    function mktree(lines: string): string {
      return execFileSync('git', ['-C', repository, 'mktree'], { input: `${lines}\n`, encoding: 'utf8' }).trim();
    }
  });

  attack({ ...hostile, what: 'has a repository with names that git or Linux would obey' }, async count => {
    const url = await ground.repository('names', { 'reana.yaml': specification() });
    const repository = join(ground.dir, 'names.git');
    const script = `#!/bin/sh\ntouch ${join(ground.dir, 'ran')}\n`;
    const input = { input: script, encoding: 'utf8' } as const;
    const blob = execFileSync('git', ['-C', repository, 'hash-object', '-w', '--stdin'], input).trim();
    for (const path of ['.git/hooks/post-checkout', '.GIT/hooks/post-checkout', '../x', '.git', 'git~1/config']) {
      let [mode, id] = ['100755 blob', blob];
      for (const name of path.split('/').reverse()) {
        id = raw(`${mode.split(' ')[0]?.replace(/^0/, '')} ${name}`, id);
        mode = '40000 tree';
      }
      await ground.git(
        repository,
        'update-ref',
        'refs/heads/main',
        await ground.git(repository, 'commit-tree', '-m', 'x', id),
      );
      expect((await ground.launch({ url })).status, path).toBe(400);
      count();
    }
    expect(existsSync(join(ground.dir, 'ran'))).toBe(false);

    /** A tree of one name, unchecked: mktree refuses such names. */
    function raw(head: string, id: string): string {
      const bytes = Buffer.concat([Buffer.from(`${head}\0`), Buffer.from(id, 'hex')]);
      const argv = ['-C', repository, 'hash-object', '-w', '-t', 'tree', '--literally', '--stdin'];
      return execFileSync('git', argv, { input: bytes, encoding: 'utf8' }).trim();
    }
  });

  attack({ ...client, what: 'gives git options, patterns and two names as a reference' }, async count => {
    await ground.repository('refs', { 'reana.yaml': specification() });
    const mark = join(ground.dir, 'ran');
    const url = new URL(ground.at('/git/refs.git'));
    for (const ref of [
      `--upload-pack=touch ${mark}`,
      '-q',
      'main:refs/heads/x',
      '+main',
      'refs/*',
      'a..b',
      'a b',
      'a\nb',
      '',
      'x@{1}',
    ]) {
      const into = join(ground.dir, 'into');
      await expect(clone(url, ref, join(into, 'tree'), into, ground.asking())).rejects.toThrow('Cannot checkout');
      count();
    }
    expect(existsSync(mark)).toBe(false);
  });

  attack({ ...hostile, what: "makes git obey the owner's settings, hooks or submodules" }, async count => {
    const mark = join(ground.dir, 'ran');
    const touch = `touch ${mark}`;
    const home = join(ground.dir, 'home');
    await mkdir(join(home, 'hooks'), { recursive: true });
    for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change']) {
      await writeFile(join(home, 'hooks', hook), `#!/bin/sh\n${touch}\n`, { mode: 0o755 });
    }
    const secret = await ground.repository('secret', {
      'reana.yaml': specification({}, { inputs: {} }),
      secret: 'secret',
    });
    const url = await ground.repository('plain', {
      'reana.yaml': specification({ files: ['x'] }),
      '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = file://${join(ground.dir, 'secret.git')}\n`,
      '.gitattributes': '* filter=evil diff=evil\n*.txt filter=lfs\n',
      'big.txt': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n',
    });
    const commit = await ground.git(join(ground.dir, 'secret.git'), 'rev-parse', 'HEAD');
    const work = join(ground.dir, 'work/plain');
    await ground.git(work, 'update-index', '--add', '--cacheinfo', `160000,${commit},x`);
    await ground.git(work, 'commit', '-q', '-m', 'submodule');
    await ground.git(work, 'push', '-q', join(ground.dir, 'plain.git'), 'main');
    const config = `
[core]
	hooksPath = ${join(home, 'hooks')}
	fsmonitor = ${touch}
	sshCommand = ${touch}
	askPass = ${touch}
[credential]
	helper = "!${touch}; echo password=x"
[filter "evil"]
	smudge = ${touch}; cat
[filter "lfs"]
	smudge = ${touch}; cat
[submodule]
	recurse = true
[protocol "file"]
	allow = always
[url "${secret}"]
	insteadOf = ${url}
`;
    await writeFile(join(home, '.gitconfig'), config);
    const kept = { ...process.env };
    Object.assign(process.env, {
      ...{
        HOME: home,
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'core.hooksPath',
        GIT_CONFIG_VALUE_0: join(home, 'hooks'),
      },
      ...{
        GIT_TEMPLATE_DIR: home,
        GIT_ASKPASS: join(home, 'hooks/post-checkout'),
        GIT_ALLOW_PROTOCOL: 'file:https:ext',
      },
    });
    try {
      // the submodule is not there, so the input is missing
      const answer = await ground.launch({ url });
      expect(answer).toMatchObject({ status: 400, message: expect.stringContaining('the input file x is not there') });
      // where a password is wanted, nobody is asked
      ground.web.pages.set('/private.git/info/refs', (_, response) => {
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
      });
      expect((await ground.launch({ url: ground.at('/private.git') })).status).toBe(400);
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
      Object.assign(process.env, kept);
    }
    expect(existsSync(mark)).toBe(false);
    count(9);
  });

  attack({ ...client, what: 'leaves while git works, and starts more than is allowed' }, async count => {
    ground.web.pages.set('/mute.git/info/refs', () => {});
    const leave = new AbortController();
    const body = JSON.stringify({ url: ground.at('/mute.git') });
    const headers = { 'Content-Type': 'application/json' };
    const init = { method: 'POST', body, headers, signal: leave.signal };
    const waiting = [1, 2].map(() => ground.edge.fetch('/api/launch', init).catch(() => undefined));
    await until('git to ask', 60_000, () => gits().length >= 2);
    for (let n = 0; n < 5; n++) {
      expect(await ground.launch({ url: ground.at('/mute.git') })).toMatchObject({ status: 429 });
      count();
    }
    leave.abort();
    await Promise.all(waiting);
    await until('git to end', 60_000, () => gits().length === 0);
    await until('its files to go', 60_000, async () => (await ground.left()).length === 0);
    expect((await ground.launch({ url: ground.at('/missing.zip') })).status).toBe(400);
  });

  attack(
    { by: 'a client with the token', on: 'headnode', what: 'launches although its access has ended meanwhile' },
    async () => {
      const bob = await ground.edge.add('bob');
      const before = readdirSync(join(ground.edge.dir, 'runs'));
      let answer = (): void => {};
      ground.web.pages.set('/slow/reana.yaml', (_, response) => {
        answer = () => void response.end(specification());
      });
      const launched = ground.launch({ url: ground.at('/slow/reana.yaml') }, bob).catch(() => ({ status: 0 }));
      await until('the server to be asked', 60_000, () => ground.web.asked.includes('/slow/reana.yaml'));
      await ground.edge.json('DELETE', '/api/edge/people/bob');
      answer();
      expect((await launched).status).not.toBe(200);
      await sleep(300);
      expect(readdirSync(join(ground.edge.dir, 'runs'))).toEqual(before);
    },
  );

  /** The processes that fetch for this edge. */
  function gits(): string[] {
    return readdirSync('/proc').filter(pid => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return argv.includes(`--git-dir=${ground.edge.dir}`) && argv.includes('\0fetch\0') && !argv.startsWith('sh\0');
      } catch {
        return false;
      }
    });
  }
});
