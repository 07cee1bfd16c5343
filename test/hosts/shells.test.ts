import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ConnectionError, TimeoutError } from '../../src/errors.js';
import { wrap } from '../../src/hosts/channel.js';
import { Boxes } from './boxes.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const boxes = new Boxes();

describe('start-up files', () => {
  it('may be noisy on both outputs', async () => {
    const noisy = 'echo hello; echo oops >&2; printf "no newline"; head -c 200000 /dev/zero; set -x\n';
    const { host } = await boxes.box({ startup: { '.bashrc': noisy } });
    expect(await host.run(['sh', '-c', 'echo a; echo b >&2'])).toEqual({ stdout: 'a\n', stderr: 'b\n', exitCode: 0 });
  });

  it('are really noisy in these tests, for each shell', () => {
    const home = path.dirname(import.meta.filename);
    for (const shell of ['bash', 'dash', 'zsh', 'tcsh', 'fish']) {
      const { line, marker } = wrap(['printf', '%s', "a\n!b'\\\\"]);
      const text = execFileSync(shell, ['-c', line], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: home } });
      expect(text.slice(text.indexOf(marker.stdout)).replace(/^[^:]*:\d+:/, '')).toBe("a\n!b'\\\\");
      expect(line).not.toContain(marker.stdout);
    }
  });

  it('may eat standard input without taking the command’s', async () => {
    const { host } = await boxes.box({ startup: { '.bashrc': 'read -t 0.3 line; echo "$line"\n' } });
    expect((await host.run(['cat'], { stdin: 'mine\n' })).stdout).toBe('mine\n');
  });

  it('that end the shell are reported with what they said', async () => {
    const startup = { '.bashrc': 'echo This account is closed.; exit 5\n' };
    const { host } = await boxes.box({ startup });
    const error = await host.run(['true']).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(String(error)).toMatch(/status 5 before running anything.*\nThis account is closed\./);
  });

  it('that hang are a time-out which shows what they said', async () => {
    const { host } = await boxes.box({ startup: { '.bashrc': 'echo waiting for the licence server; sleep 60\n' } });
    const error = await host.run(['true'], { timeoutMs: 800 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(String(error)).toContain('start-up files');
    expect(String(error)).toContain('waiting for the licence server');
  });

  it('nologin is reported with its own words', async () => {
    const { host } = await boxes.box({ shell: '/usr/sbin/nologin' });
    await expect(host.run(['true'])).rejects.toThrow(/This account is currently not available/);
  });
});
