import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuthContext } from 'ssh2';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthError, ConnectionError, HostKeyError, ScailfinError, UsageError } from '../../src/errors.js';
import { type OpenOptions, openHost } from '../../src/hosts/open.js';
import type { Transport } from '../../src/hosts/target.js';
import { type Double, startDouble } from './double.js';
import { ScriptedPrompter } from './prompter.js';
import { freePort, makeKey, type Sshd, startSshd } from './sshd.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let server: Sshd;
let known: string;
beforeEach(async () => {
  server = await startSshd();
  known = path.join(server.home, '.ssh', 'known_hosts');
});
afterEach(() => server.stop());

interface Way extends OpenOptions {
  readonly host?: string;
  readonly transport?: Transport | undefined;
}

const login = async (way: Way = {}): Promise<string> => {
  const { host = 'box', transport = 'openssh', ...options } = way;
  const target = { kind: 'ssh', host, ...('transport' in way && !way.transport ? {} : { transport }) } as const;
  const opened = await openHost(target, { env: server.env, connectTimeoutMs: 2_000, ...options });
  const { stdout } = await opened.run(['echo', 'in']);
  await opened.close();
  return stdout;
};
const failure = async <E extends Error>(kind: new (...args: never[]) => E, way?: Way): Promise<E> => {
  const error = await login(way).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(kind);
  return error as E;
};
const configure = (...lines: string[]) => appendFileSync(server.configFile, `${lines.join('\n')}\n`);
const publicKey = (file: string) => readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
const print = (file: string) =>
  execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' }).split(' ')[1] as string;

it("follows Include and Match exec below a HOME that is not the account's", async () => {
  mkdirSync(path.join(server.home, '.ssh', 'conf.d'));
  const text = readFileSync(server.configFile, 'utf8').replace('Host box', 'Match host box exec "true"');
  writeFileSync(path.join(server.home, '.ssh', 'conf.d', 'box'), text);
  writeFileSync(server.configFile, 'Include conf.d/*\n');
  expect(await login()).toBe('in\n');
  expect(await login({ transport: 'ssh2' })).toBe('in\n');
});

describe('host keys', () => {
  it('that are unknown are asked about, once', async () => {
    rmSync(known);
    const prompter = new ScriptedPrompter([]);
    expect(await login({ prompter })).toBe('in\n');
    expect(prompter.asked).toHaveLength(1);
    expect(prompter.asked[0]).toContain(`The authenticity of host '[127.0.0.1]:${server.port}`);
    expect(prompter.asked[0]).toContain(print(server.hostKeyFile));
    expect(prompter.asked[0]).toMatch(/Continue connecting and remember this key\?$/);
    expect(await login()).toBe('in\n');
  });

  it('that the person does not take are refused', async () => {
    rmSync(known);
    const error = await failure(HostKeyError, { prompter: new ScriptedPrompter([], false) });
    expect(error.message).toBe(`the host key of box was not accepted: ssh-ed25519 ${print(server.hostKeyFile)}`);
  });

  it('that are unknown are an error where nobody can answer', async () => {
    rmSync(known);
    const error = await failure(HostKeyError);
    expect(error.message).toBe(`the host key of box is not known: ssh-ed25519 ${print(server.hostKeyFile)}`);
    expect(error.hint).toContain(`ssh-keyscan -p ${server.port} 127.0.0.1`);
    configure('Host *', ' StrictHostKeyChecking yes');
    expect((await failure(HostKeyError, { prompter: new ScriptedPrompter([]) })).message).toBe(error.message);
  });

  it.each(['ask', 'no'])('that have changed are refused, whatever is to be trusted (%s)', async strict => {
    const other = makeKey(path.join(server.dir, 'other'), 'ed25519');
    writeFileSync(known, `[127.0.0.1]:${server.port} ${publicKey(other)}\n`);
    configure('Host *', ` StrictHostKeyChecking ${strict}`);
    const error = await failure(HostKeyError, { prompter: new ScriptedPrompter([]) });
    expect(error.message).toContain('the host key of box has changed');
    expect(error.message).toContain(`known: ${known}:1`);
    expect(error.message).toContain(`shown: ssh-ed25519 ${print(server.hostKeyFile)}`);
    expect(error.hint).toContain(`ssh-keygen -R '[127.0.0.1]:${server.port}' -f ${known}`);
  });

  it('that are marked as revoked are refused', async () => {
    writeFileSync(known, `@revoked [127.0.0.1]:${server.port} ${publicKey(server.hostKeyFile)}\n`);
    expect((await failure(HostKeyError)).message).toContain('marked as revoked');
  });

  it('are told to who wants to know', async () => {
    const told: unknown[] = [];
    await login({ onHostKey: (alias, verdict) => told.push({ alias, ...verdict }) });
    const fingerprint = print(server.hostKeyFile);
    const verdict = { alias: 'box', type: 'ssh-ed25519', fingerprint, place: `${known}:1` };
    expect(told).toEqual([verdict]);
    // even to one who is not let in
    writeFileSync(path.join(server.dir, 'authorized_keys'), '');
    await failure(AuthError, { onHostKey: (alias, verdict) => told.push({ alias, ...verdict }) });
    expect(told).toEqual([verdict, verdict]);
  });
});

describe('keys', () => {
  const replaceKey = (passphrase: string): void => {
    rmSync(server.clientKey);
    rmSync(`${server.clientKey}.pub`);
    makeKey(server.clientKey, 'ed25519', passphrase);
    writeFileSync(path.join(server.dir, 'authorized_keys'), readFileSync(`${server.clientKey}.pub`));
  };

  it('with a passphrase: the person is asked for it', async () => {
    replaceKey('right');
    const prompter = new ScriptedPrompter(['wrong', 'right']);
    expect(await login({ prompter })).toBe('in\n');
    expect(prompter.asked.map(a => a.trim())).toEqual(Array(2).fill(`Enter passphrase for key '${server.clientKey}':`));
    expect(prompter.echoed).toEqual([false, false]);
  });

  it('with a passphrase that nobody can give', async () => {
    replaceKey('right');
    const error = await failure(AuthError);
    expect(error.message).toContain(`the key ${server.clientKey} has a passphrase and nobody can be asked`);
    expect(error.hint).toBe(`ssh-add ${server.clientKey}`);
  });

  it('that the server does not know: the error says what was tried and what it takes', async () => {
    writeFileSync(path.join(server.dir, 'authorized_keys'), '');
    const error = await failure(AuthError);
    expect(error.message).toContain(`box did not accept ${server.user}`);
    expect(error.message).toContain(`tried: key ${server.clientKey}`);
    expect(error.message).toContain('the server takes: publickey');
    expect(error.message).toContain('Permission denied (publickey)');
  });

  it('of the site go before others', async () => {
    const file = makeKey(path.join(server.dir, 'of the site'), 'ed25519');
    writeFileSync(path.join(server.dir, 'authorized_keys'), readFileSync(`${file}.pub`));
    expect(await login({ auth: { identityFiles: [file], identitiesOnly: true } })).toBe('in\n');
  });
});

describe('the way', () => {
  it('by a ProxyCommand is gone without being asked, and the person is told', async () => {
    const carry = path.join(server.dir, 'carry.mjs');
    const text = `const far = (await import('node:net')).connect(${server.port}, '127.0.0.1');`;
    writeFileSync(carry, `${text}\nprocess.stdin.pipe(far).pipe(process.stdout);\n`);
    configure(
      'Host behind',
      ` ProxyCommand '${process.execPath}' ${carry}`,
      ` HostKeyAlias [127.0.0.1]:${server.port}`,
    );
    const notes: string[] = [];
    expect(await login({ host: 'behind', transport: undefined, onNote: text => notes.push(text) })).toBe('in\n');
    expect(notes).toEqual(["behind is reached by a ProxyCommand: the system's ssh connects"]);
    const error = await failure(UsageError, { host: 'behind', transport: 'ssh2' });
    expect(error.message).toContain('behind is reached by a ProxyCommand');
    expect(error.hint).toContain('--transport openssh');
  });

  it('by a ProxyCommand that fails is told in its words', async () => {
    configure('Host behind', ' ProxyCommand sh -c "echo no ticket for the gateway >&2; sleep 0.2"');
    const error = await failure(ConnectionError, { host: 'behind' });
    expect(error.message).toMatch(
      /^can't reach behind at port 22: its ProxyCommand gave up.*no ticket for the gateway/s,
    );
  });

  it('to a security key is gone without being asked', async () => {
    const file = path.join(server.home, '.ssh', 'id_ed25519_sk');
    writeFileSync(file, readFileSync(server.clientKey), { mode: 0o600 });
    writeFileSync(`${file}.pub`, 'sk-ssh-ed25519@openssh.com AAAA alice@laptop\n');
    configure('Host box', ` IdentityFile ${file}`);
    const notes: string[] = [];
    await login({ transport: undefined, onNote: text => notes.push(text) }).catch(() => {});
    expect(notes).toEqual([`box needs the security key of ${file}: the system's ssh connects`]);
  });

  describe('over a gate', () => {
    let gate: Sshd;
    beforeEach(async () => {
      gate = await startSshd();
      appendFileSync(known, `[127.0.0.1]:${gate.port} ${publicKey(gate.hostKeyFile)}\n`);
      appendFileSync(path.join(gate.dir, 'authorized_keys'), readFileSync(`${server.clientKey}.pub`));
      const to = (host: string, port: number) => [`Host ${host}`, ' HostName 127.0.0.1', ` Port ${port}`];
      configure(...to('gate', gate.port), ...to('inner', server.port), ' ProxyJump gate');
      configure(...to('dead', await freePort()), ' ProxyJump gate');
      // ssh passes the configuration on to the ssh it jumps by, but not HOME
      configure('Host *', ` UserKnownHostsFile ${known}`, ` IdentityFile ${server.clientKey}`);
    });
    afterEach(() => gate.stop());

    it('is gone', async () => {
      const told: string[] = [];
      expect(await login({ host: 'inner', onHostKey: alias => told.push(alias) })).toBe('in\n');
      expect(gate.log()).toMatch(/direct-tcpip/);
      expect(told).toEqual(['gate', 'inner']);
    });

    it('names the hop that failed', async () => {
      const dead = await failure(ConnectionError, { host: 'dead' });
      expect(dead.message).toMatch(/can't reach 127\.0\.0\.1 \(dead\) .*root@127\.0\.0\.1 could not connect to it/);
      writeFileSync(path.join(gate.dir, 'authorized_keys'), '');
      const denied = await failure(AuthError, { host: 'inner' });
      expect(denied.message).toContain('on the way to inner (jump host gate): gate did not accept root');
    });

    it('is not gone over a gate whose key has changed, whatever is to be trusted', async () => {
      writeFileSync(known, `[127.0.0.1]:${gate.port} ${publicKey(server.hostKeyFile)}\n`);
      configure('Host *', ' StrictHostKeyChecking no');
      const error = await failure(HostKeyError, { host: 'inner' });
      expect(error.message).toContain('on the way to inner (jump host gate): the host key of gate has changed');
      expect(error.message).toContain(`shown: ssh-ed25519 ${print(gate.hostKeyFile)}`);
    });

    it('asks about the keys of all hosts on it', async () => {
      rmSync(known);
      const prompter = new ScriptedPrompter([]);
      expect(await login({ host: 'inner', prompter })).toBe('in\n');
      expect(prompter.asked.map(text => /\[127\.0\.0\.1\]:(\d+)/.exec(text)?.[1])).toEqual([
        String(gate.port),
        String(server.port),
      ]);
    });
  });
});

describe('a host that is not to be reached', () => {
  it('is told in words', async () => {
    const port = await freePort();
    configure('Host shut', ' HostName 127.0.0.1', ` Port ${port}`);
    const refused = await failure(ConnectionError, { host: 'shut' });
    expect(refused.message).toBe(
      `can't reach 127.0.0.1 (shut) at port ${port}: connection refused (nothing listens there, or a firewall refuses)`,
    );
    expect(refused.hint).toContain(`ssh -p ${port} `);
    const lost = await failure(ConnectionError, { host: 'no-such-host.invalid' });
    expect(lost.message).toMatch(/no host of that name|could not be looked up/);
  });

  it.each([
    ['says nothing', /no answer/],
    ['hangs up', /closed the connection/],
    ['speaks HTTP', /does not answer as an SSH server/],
  ])('because its port %s', async (how, words) => {
    const sockets: net.Socket[] = [];
    const port = net.createServer(socket => {
      sockets.push(socket);
      socket.on('error', () => {});
      if (how === 'hangs up') socket.end();
      if (how === 'speaks HTTP') socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await new Promise<void>(resolve => port.listen(0, '127.0.0.1', resolve));
    configure('Host odd', ' HostName 127.0.0.1', ` Port ${(port.address() as AddressInfo).port}`);
    const began = performance.now();
    expect((await failure(ConnectionError, { host: 'odd' })).message).toMatch(words);
    expect(performance.now() - began).toBeLessThan(5_000);
    for (const socket of sockets) socket.destroy();
    port.close();
  });
});

describe('the program', () => {
  /** A program of that name goes before all others. */
  const instead = (name: string, script: string): NodeJS.ProcessEnv => {
    const bin = path.join(server.dir, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { ...server.env, PATH: `${bin}:${server.env.PATH}` };
  };

  it('that is not there', async () => {
    const env = { ...server.env, PATH: server.dir };
    const none = await failure(ScailfinError, { env });
    expect(none.message).toBe('there is no program ssh in PATH');
    expect(none.hint).toContain('--transport ssh2');
    const gsi = await failure(ScailfinError, { env, transport: 'gsissh' });
    expect(gsi.message).toBe('there is no program gsissh in PATH');
    expect(gsi.hint).toContain('GSI-OpenSSH');
  });

  it('that is too old says which option it does not know', async () => {
    const env = instead(
      'ssh',
      'echo "command-line line 0: Bad configuration option: ClearAllForwardings" >&2; exit 255',
    );
    const error = await failure(ScailfinError, { env });
    expect(error.message).toContain('does not know what it was told: command-line line 0: Bad configuration option');
    expect(error.hint).toContain('newer ssh');
  });

  it('that does not like its configuration', async () => {
    const file = path.join(server.dir, 'config');
    writeFileSync(file, 'Host box\n  NoSuchOption yes\n');
    const error = await failure(UsageError, { configFile: file });
    expect(error.message).toContain(`${file}: line 2: Bad configuration option: nosuchoption`);
  });

  it('gsissh is started like ssh, with what GSI needs from the environment', async () => {
    const seen = path.join(server.dir, 'seen');
    const names = ['X509_USER_PROXY', 'X509_CERT_DIR', 'GSS_MECH_CONFIG'];
    const env = instead('gsissh', `env >'${seen}'; exec ssh "$@"`);
    for (const name of names) env[name] = `/of/${name}`;
    expect(await login({ env, transport: 'gsissh' })).toBe('in\n');
    for (const name of names) expect(readFileSync(seen, 'utf8')).toContain(`${name}=/of/${name}\n`);
  });

  it('may ask for a touch', async () => {
    const touch = `SSH_ASKPASS_PROMPT=none "$SSH_ASKPASS" 'Confirm user presence for key ED25519-SK' & asked=$!`;
    const env = instead(
      'ssh',
      `case "$*" in *ControlPersist*) ${touch}; sleep 1; kill $asked;; esac; exec /usr/bin/ssh "$@"`,
    );
    const notes: string[] = [];
    expect(await login({ env, onNote: text => notes.push(text) })).toBe('in\n');
    expect(notes).toEqual(['Confirm user presence for key ED25519-SK']);
  });
});

/** Stands in for servers that ask for passwords and codes; it runs no commands, so logging in is all it shows. */
describe('questions', () => {
  let double: Double;
  beforeEach(async () => {
    double = await startDouble(server, 'Maintenance on Tuesday\n');
  });
  afterEach(() => double.close());
  const target = { kind: 'ssh', host: 'box', transport: 'openssh' } as const;
  const enter = async (prompter?: ScriptedPrompter) => {
    const host = await openHost(target, { env: server.env, prompter, connectTimeoutMs: 2_000 });
    await host.close();
  };
  const codes = (right: readonly string[]) => (context: AuthContext) => {
    if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
    context.prompt(
      [{ prompt: 'Enter PASSCODE: ', echo: false }],
      'RSA SecurID',
      'Welcome to the token service',
      one => {
        context.prompt([{ prompt: 'Wait for the next tokencode: ', echo: true }], two => {
          if (one[0] === right[0] && two[0] === right[1]) context.accept();
          else context.reject(['keyboard-interactive']);
        });
      },
    );
  };

  it('of several rounds are asked as the server words them', async () => {
    double.policy = codes(['1234', '5678']);
    const prompter = new ScriptedPrompter(['1234', '5678']);
    await enter(prompter);
    expect(prompter.asked.map(text => text.trim())).toEqual([
      'Maintenance on Tuesday\nRSA SecurID\nWelcome to the token service\n(alice@127.0.0.1) Enter PASSCODE:',
      '(alice@127.0.0.1) Wait for the next tokencode:',
    ]);
  });

  it('that are answered wrong are asked again, three times at most', async () => {
    double.policy = context => {
      if (context.method === 'password' && context.password === 'right') return context.accept();
      context.reject(['password']);
    };
    const prompter = new ScriptedPrompter(['wrong', 'right']);
    await enter(prompter);
    expect(prompter.asked[1]).toMatch(/Permission denied, please try again\.\nalice@127\.0\.0\.1's password:/);
    const error = await enter(new ScriptedPrompter(['1', '2', '3', 'right'])).catch((e: unknown) => e as AuthError);
    expect(error).toBeInstanceOf(AuthError);
    expect((error as AuthError).message).toContain('tried: password');
    expect((error as AuthError).message).toContain('the server takes: password');
  });

  it('without anybody to answer are an error that shows the question; the server hears nothing', async () => {
    double.policy = codes(['1234', '5678']);
    const error = await enter().catch((e: unknown) => e as AuthError);
    expect(error).toBeInstanceOf(AuthError);
    expect((error as AuthError).message).toMatch(/it asks alice for ".*Enter PASSCODE:", and nobody can answer/);
    expect(double.seen.filter(method => method === 'keyboard-interactive')).toHaveLength(1);
  });

  it('may take the person longer than the network may take', async () => {
    double.policy = codes(['1234', '5678']);
    const slow = new ScriptedPrompter(['1234', '5678']);
    const ask = slow.ask.bind(slow);
    slow.ask = async (text, options) => {
      await sleep(4_000);
      return ask(text, options);
    };
    await enter(slow);
  });

  it('that the person gives up end it', async () => {
    double.policy = codes(['1234', '5678']);
    const prompter = new ScriptedPrompter([]);
    await expect(enter(prompter)).rejects.toThrow('nobody expected');
    await expect.poll(ownSsh).toEqual([]);
  });

  it('leave nothing when the process is killed that was to answer', async () => {
    double.policy = codes(['1234', '5678']);
    const script = `import { openHost } from './src/hosts/open.ts';
      const ask = () => new Promise(() => process.stdout.write('asked'));
      await openHost(${JSON.stringify(target)}, { env: ${JSON.stringify(server.env)}, prompter: { ask } });`;
    // a process that is killed like this leaves its copy of the configuration
    const temporary = mkdtempSync(path.join(os.tmpdir(), 'k-'));
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: temporary },
    });
    await once(child.stdout, 'data');
    expect(ownSsh()).not.toEqual([]);
    child.kill('SIGKILL');
    await expect.poll(ownSsh, { timeout: 60_000 }).toEqual([]);
    rmSync(temporary, { recursive: true });
    expect(double.seen.filter(method => method === 'keyboard-interactive')).toHaveLength(1);
  });

  /** The ssh processes of this test. */
  const ownSsh = (): string[] => {
    const { stdout } = spawnSync('pgrep', ['-af', `^ssh .*${server.home}`], { encoding: 'utf8' });
    return stdout.split('\n').filter(Boolean);
  };
});
