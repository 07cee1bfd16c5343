import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { ConnectionError, TimeoutError } from '../../src/errors.js';
import { Boxes } from './boxes.js';
import { pause } from './suite.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

describe.each(['ssh2', 'openssh'] as const)('by %s', transport => {
  const boxes = new Boxes(transport);

  describe('sessions', () => {
    it('never show the banner', async () => {
      const server = await boxes.server({ config: ['Banner /etc/hostname', 'PrintMotd yes'] });
      const host = await boxes.open(server);
      expect(await host.run(['echo', 'x'])).toEqual({ stdout: 'x\n', stderr: '', exitCode: 0 });
      await host.close();
    });

    it.each([1, 3])('wait their turn where the site allows only %i', async max => {
      const { host } = await boxes.box({ config: [`MaxSessions ${max}`] });
      const outputs = await Promise.all(
        Array.from({ length: 30 }, (_, i) => host.run(['sh', '-c', `sleep 0.05; echo ${i}`])),
      );
      expect(outputs.map(o => o.stdout)).toEqual(outputs.map((_, i) => `${i}\n`));
      // To root, sshd(8) gives no signals on a channel; with one session there is then no way to stop a command.
      const seconds = max === 1 ? '2' : '60';
      await expect(host.run(['sleep', seconds], { timeoutMs: 300 })).rejects.toThrow(TimeoutError);
      expect((await host.run(['echo', 'still here'])).stdout).toBe('still here\n');
    });

    it('end where none are allowed', async () => {
      const { host } = await boxes.box({ config: ['MaxSessions 0'] });
      await expect(host.run(['true'])).rejects.toThrow(/no more sessions/);
    });

    it('give a terminal of the right size, which follows', async () => {
      const { host } = await boxes.box({ startup: { '.bashrc': 'echo noise\n' } });
      const [stdin, stderr] = [new PassThrough(), new PassThrough()];
      const stdout = Object.assign(new PassThrough(), { rows: 31, columns: 97 });
      const script = 'trap "stty size; exit 4" WINCH; stty size; while :; do sleep 0.1; done';
      const attached = host.attach(['sh', '-c', script], { stdin, stdout, stderr, tty: true });
      let text = '';
      stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      for (let i = 0; i < 50 && !text.includes('\n'); i++) await pause(50);
      stdout.rows = 40;
      stdout.columns = 120;
      stdout.emit('resize');
      expect(await attached).toBe(4);
      expect(text).toBe('31 97\r\n40 120\r\n');
    });
  });

  describe('a broken connection', () => {
    it('rejects everything that waits, within seconds', async () => {
      const { server, host } = await boxes.box();
      const file = path.join(server.dir, 'big');
      writeFileSync(file, '');
      const running = [
        host.run(['sleep', '60']),
        host.run(['sh', '-c', 'cat >/dev/null; sleep 60'], { stdin: 'x' }),
        host.attach(['sleep', '60'], {
          stdin: new PassThrough(),
          stdout: new PassThrough(),
          stderr: new PassThrough(),
        }),
        ...Array.from({ length: 10 }, () => host.run(['sleep', '60'])),
      ].map(p => p.catch((e: unknown) => e));
      await pause(500);
      const started = performance.now();
      for (const pid of server.sessions()) process.kill(pid, 'SIGKILL');
      for (const error of await Promise.all(running)) {
        expect(error).toBeInstanceOf(ConnectionError);
        expect((error as ConnectionError).hint).toBeTruthy();
      }
      expect(performance.now() - started).toBeLessThan(2_000);
      await expect(host.run(['true'])).rejects.toThrow(ConnectionError);
    });

    it('never leaves half an upload', async () => {
      const { server, host } = await boxes.box();
      const target = path.join(server.dir, 'uploaded');
      const uploading = host.upload(process.execPath, target, {
        onBytes: sent => {
          if (sent > 5_000_000) for (const pid of server.sessions()) process.kill(pid, 'SIGKILL');
        },
      });
      await expect(uploading).rejects.toThrow(ConnectionError);
      await pause(500);
      expect(execFileSync('ls', ['-A', server.dir], { encoding: 'utf8' })).not.toMatch(/uploaded|tmp/);
    });

    it('that stalls ends a transfer', async () => {
      const { server, host } = await boxes.box();
      const [pid] = server.sessions() as [number];
      const uploading = host.upload(process.execPath, path.join(server.dir, 'stalled'), {
        stallMs: 800,
        onBytes: sent => sent > 5_000_000 && process.kill(pid, 'SIGSTOP'),
      });
      await expect(uploading).rejects.toThrow(/made no progress for 0.8 s/);
      process.kill(pid, 'SIGCONT');
    });

    it('is noticed when the other side falls silent', async () => {
      const server = await boxes.server();
      writeFileSync(server.configFile, `Host *\n ServerAliveInterval 1\n ServerAliveCountMax 2\n`, { flag: 'a' });
      const host = await boxes.open(server);
      const [pid] = server.sessions() as [number];
      const running = host.run(['sleep', '60']);
      running.catch(() => {});
      await pause(300);
      process.kill(pid, 'SIGSTOP');
      try {
        await expect(running).rejects.toThrow(/stopped answering/);
      } finally {
        process.kill(pid, 'SIGCONT');
        await host.close();
      }
    });
  });
});
