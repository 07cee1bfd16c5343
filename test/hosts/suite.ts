import { randomBytes } from 'node:crypto';
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
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandError, ConnectionError, TimeoutError, UsageError } from '../../src/errors.js';
import type { Host } from '../../src/hosts/host.js';

/**
 * What every Host must do, whatever it runs on. The host's files must be this machine's.
 * `brief` leaves out what does not depend on the login shell.
 */
export function hostSuite(name: string, open: () => Promise<Host>, options: { brief?: boolean } = {}): void {
  const thorough = (what: string, test: () => Promise<void>): void => {
    if (!options.brief) it(what, test);
  };
  describe(name, () => {
    let host: Host;
    let dir: string;

    beforeAll(async () => {
      dir = mkdtempSync(path.join(os.tmpdir(), 'scailfin-host-'));
      host = await open();
    });

    afterAll(async () => {
      await host?.close();
      rmSync(dir, { recursive: true, force: true });
    });

    it('hands over every word as it is', async () => {
      const words = [
        '',
        ' ',
        "'",
        '"',
        '\\',
        '\\\\',
        '!',
        '!!',
        '\n',
        'a\nb',
        '$HOME',
        '`id`',
        '*',
        '~',
        '#',
        ';',
        '&',
        '|',
      ];
      const more = [
        '>x',
        '%s',
        '%',
        '-n',
        '--',
        '\t',
        '\r',
        'é',
        '漢字',
        '\u{1f600}',
        '\\047',
        "it's",
        "\\'",
        'a\\',
        '=',
        '{a,b}',
        '[a]',
      ];
      const all = [...words, ...more];
      const { stdout } = await host.run(['printf', '%s\\0', ...all]);
      expect(stdout.split('\0').slice(0, -1)).toEqual(all);
    });

    it('hands over any words (property)', async () => {
      const char = fc.oneof(
        fc.constantFrom(...'\'"\\!$`\n\t *?[]{}()<>|&;#~%^=-'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter(c => c !== '\0' && !/[\ud800-\udfff]/.test(c)),
      );
      const word = fc.array(char, { maxLength: 20 }).map(chars => chars.join(''));
      await fc.assert(
        fc.asyncProperty(fc.array(word, { minLength: 20, maxLength: 60 }), async words => {
          const { stdout } = await host.run(['printf', '%s\\0', ...words]);
          expect(stdout.split('\0').slice(0, -1)).toEqual(words);
        }),
        { numRuns: 25 },
      );
    });

    it('tells the exit status, and both outputs apart', async () => {
      const argv = ['sh', '-c', 'echo out; echo err >&2; exit 3'];
      expect(await host.run(argv, { check: false })).toEqual({ stdout: 'out\n', stderr: 'err\n', exitCode: 3 });
      const error = await host.run(argv).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(CommandError);
      expect(error).toMatchObject({ exitStatus: 3, stderr: 'err\n', host: host.name });
    });

    it('says null for a command that a signal ended', async () => {
      const { exitCode } = await host.run(['sh', '-c', 'kill -KILL $$'], { check: false });
      expect(exitCode).toBeNull();
    });

    it('says 127 for a program that is not there', async () => {
      const { exitCode, stderr } = await host.run(['scailfin-no-such-program', 'x'], { check: false });
      expect(exitCode).toBe(127);
      expect(stderr).toMatch(/scailfin-no-such-program.*not found/);
    });

    it('sends 5 MB of bytes on standard input', async () => {
      const bytes = randomBytes(5_000_000);
      const file = path.join(dir, 'stdin');
      await host.run(['sh', '-c', 'cat >"$1"', 'sh', file], { stdin: bytes });
      expect(readFileSync(file).equals(bytes)).toBe(true);
    });

    it('ends standard input where none is given', async () => {
      expect((await host.run(['cat'])).stdout).toBe('');
    });

    thorough('does not mind a command that reads nothing', async () => {
      expect((await host.run(['true'], { stdin: Buffer.alloc(4_000_000) })).exitCode).toBe(0);
    });

    thorough('brings 20 MB of output', async () => {
      const { stdout } = await host.run(['sh', '-c', 'head -c 20000000 /dev/zero | tr "\\0" x']);
      expect(stdout.length).toBe(20_000_000);
    });

    thorough('refuses output without end', async () => {
      await expect(host.run(['yes'])).rejects.toThrow(/more than 64 MiB/);
    });

    thorough('ends what takes too long, with its children', async () => {
      const pidFile = path.join(dir, 'pids');
      const script = 'echo $$ >"$1"; sleep 300 & echo $! >>"$1"; wait';
      const started = performance.now();
      const error = await host.run(['sh', '-c', script, 'sh', pidFile], { timeoutMs: 1_000 }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(TimeoutError);
      expect(String(error)).toContain(host.name);
      expect(String(error)).toContain('sleep 300');
      expect(performance.now() - started).toBeLessThan(6_000);
      const pids = readFileSync(pidFile, 'utf8').trim().split('\n').map(Number);
      expect(pids).toHaveLength(2);
      await gone(pids);
    });

    thorough('ends what ignores TERM', async () => {
      const pidFile = path.join(dir, 'stubborn');
      const script = `trap '' TERM; echo $$ >"$1"; while :; do sleep 0.2; done`;
      await expect(host.run(['sh', '-c', script, 'sh', pidFile], { timeoutMs: 1_000 })).rejects.toThrow(TimeoutError);
      await gone([Number(readFileSync(pidFile, 'utf8'))]);
    });

    thorough('ends when the caller says so', async () => {
      const stop = new AbortController();
      const pidFile = path.join(dir, 'aborted');
      const running = host.run(['sh', '-c', 'echo $$ >"$1"; exec sleep 300', 'sh', pidFile], { signal: stop.signal });
      running.catch(() => {});
      while (!existsSync(pidFile) || statSync(pidFile).size === 0) await pause(20);
      stop.abort(new Error('enough'));
      await expect(running).rejects.toThrow('enough');
      await gone([Number(readFileSync(pidFile, 'utf8'))]);
    });

    thorough('runs thirty at once', async () => {
      const runs = Array.from({ length: 30 }, (_, i) => host.run(['sh', '-c', `sleep 0.1; echo ${i}`]));
      const outputs = await Promise.all(runs);
      expect(outputs.map(o => Number(o.stdout))).toEqual(outputs.map((_, i) => i));
    });

    thorough('does not wait for what a command left in the background', async () => {
      const started = performance.now();
      const { stdout } = await host.run(['sh', '-c', 'sleep 20 & echo $!']);
      expect(performance.now() - started).toBeLessThan(6_000);
      process.kill(Number(stdout), 'SIGKILL');
    });

    it('attaches streams', async () => {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      stdin.end('hello\n');
      const argv = ['sh', '-c', 'cat; echo err >&2; exit 7'];
      expect(await host.attach(argv, { stdin, stdout, stderr })).toBe(7);
      expect(String(stdout.read())).toBe('hello\n');
      expect(String(stderr.read())).toBe('err\n');
    });

    it('puts many files with their modes, in one round trip', async () => {
      const base = path.join(dir, 'put', "it's", 'a b!');
      const files = [
        { path: path.join(base, 'empty'), content: '', mode: 0o600 },
        { path: path.join(base, 'text\nline'), content: "=end=\n'$HOME' `x` \\\n", mode: 0o640 },
        { path: path.join(base, 'binary'), content: randomBytes(300_000), mode: 0o755 },
      ];
      const before = host.roundTrips;
      await host.put(files);
      expect(host.roundTrips - before).toBe(1);
      for (const file of files) {
        expect(readFileSync(file.path).equals(Buffer.from(file.content))).toBe(true);
        expect(statSync(file.path).mode & 0o777).toBe(file.mode);
      }
      expect(statSync(base).mode & 0o777).toBe(0o700);
      expect(statSync(path.dirname(base)).mode & 0o777).toBe(0o700);
      expect(readdirSync(base)).toHaveLength(files.length);
    });

    thorough('replaces a file', async () => {
      const file = path.join(dir, 'replaced');
      writeFileSync(file, 'old', { mode: 0o644 });
      await host.put([{ path: file, content: 'new', mode: 0o600 }]);
      expect(readFileSync(file, 'utf8')).toBe('new');
      expect(statSync(file).mode & 0o777).toBe(0o600);
    });

    it('names the file it could not write, and leaves the others alone', async () => {
      const bad = path.join(dir, 'is-a-directory');
      mkdirSync(bad);
      const good = path.join(dir, 'untouched');
      const error = await host
        .put([
          { path: good, content: 'secret-content', mode: 0o600 },
          { path: bad, content: 'secret-content', mode: 0o600 },
        ])
        .catch((e: unknown) => e);
      expect(error).toBeInstanceOf(CommandError);
      expect(String(error)).toContain(bad);
      expect(JSON.stringify(error)).not.toContain('secret-content');
      expect(existsSync(good)).toBe(false);
      expect(readdirSync(dir).filter(f => f.includes('.tmp'))).toEqual([]);
    });

    thorough('wants absolute paths', async () => {
      await expect(host.put([{ path: 'x', content: '', mode: 0o600 }])).rejects.toThrow(UsageError);
      await expect(host.upload('/etc/passwd', 'x')).rejects.toThrow(UsageError);
      await expect(host.download('x', path.join(dir, 'x'))).rejects.toThrow(UsageError);
    });

    thorough('dials its own ports', async () => {
      const echo = net.createServer(socket => socket.pipe(socket));
      await new Promise<void>(resolve => echo.listen(0, '127.0.0.1', resolve));
      const { port } = echo.address() as net.AddressInfo;
      const far = await host.dial(port);
      far.write('there and back');
      const said = await new Promise<Buffer>(resolve => far.once('data', resolve));
      expect(String(said)).toBe('there and back');
      far.destroy();
      await new Promise(resolve => echo.close(resolve));
      await expect(host.dial(port).then(nobody => nobody.on('error', () => {}))).rejects.toThrow(ConnectionError);
    });

    thorough('uploads and downloads', async () => {
      const bytes = randomBytes(9_000_001);
      const [here, there, back] = ['here', 'sub/the re', 'back'].map(n => path.join(dir, n)) as [
        string,
        string,
        string,
      ];
      writeFileSync(here, bytes, { mode: 0o751 });
      const seen: [number, number][] = [];
      await host.upload(here, there, { onBytes: (sent, total) => seen.push([sent, total]) });
      expect(readFileSync(there).equals(bytes)).toBe(true);
      expect(statSync(there).mode & 0o777).toBe(statSync(here).mode & 0o777);
      expect(seen.at(-1)).toEqual([bytes.length, bytes.length]);
      const got: [number, number][] = [];
      await host.download(there, back, { mode: 0o644, onBytes: (n, total) => got.push([n, total]) });
      expect(readFileSync(back).equals(bytes)).toBe(true);
      expect(statSync(back).mode & 0o777).toBe(0o644);
      expect(got.at(-1)).toEqual([bytes.length, bytes.length]);
    });

    thorough('moves empty files', async () => {
      const [here, there, back] = ['e1', 'e2', 'e3'].map(n => path.join(dir, n)) as [string, string, string];
      writeFileSync(here, '');
      await host.upload(here, there, { mode: 0o600 });
      await host.download(there, back);
      expect(statSync(there).size).toBe(0);
      expect(statSync(back).size).toBe(0);
    });

    thorough('says why a transfer failed, and leaves nothing', async () => {
      const target = path.join(dir, 'transfer-dir');
      mkdirSync(target, { recursive: true });
      await expect(host.upload('/etc/passwd', target)).rejects.toThrow(/is a directory/);
      await expect(host.download(path.join(dir, 'missing'), path.join(dir, 'm'))).rejects.toThrow(CommandError);
      await expect(host.download(target, path.join(dir, 'm'))).rejects.toThrow(CommandError);
      await expect(host.upload(path.join(dir, 'missing'), path.join(dir, 'm'))).rejects.toThrow(/missing/);
      expect(existsSync(path.join(dir, 'm'))).toBe(false);
      expect(readdirSync(dir).filter(f => f.includes('.tmp'))).toEqual([]);
    });
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** Waits up to four seconds for processes to be gone. */
export async function gone(pids: readonly number[]): Promise<void> {
  for (let i = 0; i < 40 && pids.some(alive); i++) await pause(100);
  expect(pids.filter(alive)).toEqual([]);
}

function alive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
