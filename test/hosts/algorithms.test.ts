import { appendFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { offerOf, wishBeyond } from '../../src/hosts/algorithms.js';
import { openHost } from '../../src/hosts/open.js';
import { makeKey, type Sshd, startSshd } from './sshd.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

describe('wishes for algorithms', () => {
  it('add, remove, put first and replace, as in ssh_config(5)', () => {
    const usual = offerOf({ kex: '-nothing' }).kex ?? [];
    expect(usual).not.toContain('diffie-hellman-group14-sha1');
    expect(offerOf({ kex: '+diffie-hellman-group14-sha1' }).kex).toEqual([...usual, 'diffie-hellman-group14-sha1']);
    expect(offerOf({ kex: '^diffie-hellman-group14-sha1' }).kex).toEqual(['diffie-hellman-group14-sha1', ...usual]);
    expect(offerOf({ kex: '-ecdh-*,curve*' }).kex).toEqual(usual.filter(name => name.startsWith('diffie')));
    expect(offerOf({ macs: 'hmac-sha2-512,umac-64@openssh.com' }).macs).toEqual(['hmac-sha2-512']);
    expect(offerOf({})).toEqual({
      kex: undefined,
      hostKeys: undefined,
      signatures: undefined,
      ciphers: undefined,
      macs: undefined,
    });
  });

  it('of which ssh2 knows nothing are told apart', () => {
    expect(wishBeyond({ macs: 'umac-64@openssh.com', ciphers: 'aes128-ctr' })).toBe('MACs umac-64@openssh.com');
    expect(wishBeyond({ kex: 'sntrup761x25519-sha512@openssh.com,curve25519-sha256' })).toBeUndefined();
    expect(wishBeyond({ hostKeys: 'ssh-dss' })).toBe('HostKeyAlgorithms ssh-dss');
  });
});

describe('an old login node', () => {
  let server: Sshd;
  afterEach(() => server.stop());
  const configure = (...lines: string[]) =>
    appendFileSync(server.configFile, lines.map(line => `  ${line}\n`).join(''));
  const notes: string[] = [];
  const open = (env: NodeJS.ProcessEnv = server.env) =>
    openHost({ kind: 'ssh', host: 'box' }, { env, onNote: note => notes.push(note) });
  const without = () => ({ ...server.env, PATH: '/nonexistent' });

  it('is reached with the algorithms that the configuration adds, whoever reads it', async () => {
    server = await startSshd({
      config: ['KexAlgorithms diffie-hellman-group14-sha1', 'Ciphers aes256-cbc', 'MACs hmac-sha1-96,hmac-md5'],
    });
    await expect(open()).rejects.toThrow(/no matching key exchange algorithm/);
    configure('KexAlgorithms +diffie-hellman-group14-sha1', 'Ciphers +aes256-cbc', 'MACs hmac-md5');
    for (const env of [server.env, without()]) {
      const host = await open(env);
      expect((await host.run(['echo', 'in'])).stdout).toBe('in\n');
      await host.close();
    }
    expect(notes).toEqual([]);
  });

  it('that only knows SHA-1 signatures takes an RSA key as the configuration says, or not at all', async () => {
    server = await startSshd({ config: ['PubkeyAcceptedAlgorithms ssh-rsa'] });
    const key = makeKey(`${server.home}/.ssh/id_rsa`, 'rsa');
    const { copyFileSync } = await import('node:fs');
    copyFileSync(`${key}.pub`, `${server.dir}/authorized_keys`);
    configure(`IdentityFile ${key}`, 'PubkeyAcceptedAlgorithms ssh-rsa');
    const host = await open();
    expect((await host.run(['echo', 'in'])).stdout).toBe('in\n');
    await host.close();
    expect(server.log()).toMatch(/pkalg ssh-rsa/);
    appendFileSync(server.configFile, 'Host strict\n HostName 127.0.0.1\n');
    configure(`Port ${server.port}`, `IdentityFile ${key}`, 'PubkeyAcceptedAlgorithms ssh-ed25519');
    const strict = openHost({ kind: 'ssh', host: 'strict' }, { env: server.env });
    await expect(strict).rejects.toThrow(/PubkeyAcceptedAlgorithms in ~\/\.ssh\/config allows no signature that key/);
  });

  it("is left to the system's ssh if ssh2 knows no algorithm of the configuration, which is told", async () => {
    server = await startSshd({ config: ['MACs umac-64@openssh.com'] });
    configure('MACs umac-64@openssh.com', 'Ciphers aes128-ctr');
    notes.length = 0;
    const host = await open();
    expect((await host.run(['echo', 'in'])).stdout).toBe('in\n');
    await host.close();
    const because = 'the library ssh2 knows none of what the configuration wants for box, MACs umac-64@openssh.com';
    expect(notes).toEqual([`${because}: the system's ssh connects`]);
    const asked = openHost({ kind: 'ssh', host: 'box', transport: 'ssh2' }, { env: server.env });
    await expect(asked).rejects.toThrow(because);
  });

  it('shows the kind of host key that HostKeyAlgorithms wants', async () => {
    server = await startSshd({ hostKeys: ['ed25519', 'rsa'] });
    const known = `${server.home}/.ssh/known_hosts`;
    const { readFileSync, writeFileSync } = await import('node:fs');
    const rsa = readFileSync(`${server.dir}/host_rsa.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    writeFileSync(known, `[127.0.0.1]:${server.port} ${rsa}\n`, { flag: 'a' });
    configure('HostKeyAlgorithms rsa-sha2-256');
    const verdicts: string[] = [];
    const host = await openHost(
      { kind: 'ssh', host: 'box' },
      { env: server.env, onHostKey: (_, { type }) => verdicts.push(type) },
    );
    await host.close();
    expect(verdicts).toEqual(['ssh-rsa']);
  });
});
