import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthError, ConnectionError, InterruptedError } from '../../src/errors.js';
import { openHost } from '../../src/hosts/open.js';
import { code, nextCode, passphrase, password, wrongPassphrase } from '../secrets.js';
import { RealAgent } from './ca.js';
import { type Double, startDouble } from './double.js';
import { ScriptedPrompter } from './prompter.js';
import { makeKey, type Sshd, startSshd } from './sshd.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

let server: Sshd;
beforeEach(async () => {
  server = await startSshd();
});
afterEach(() => server.stop());

const login = async (prompter?: ScriptedPrompter, env: NodeJS.ProcessEnv = {}): Promise<string> => {
  const host = await openHost({ kind: 'ssh', host: 'box' }, { env: { ...server.env, ...env }, prompter });
  const { stdout } = await host.run(['echo', 'in']);
  await host.close();
  return stdout;
};
const failure = async (prompter?: ScriptedPrompter, env?: NodeJS.ProcessEnv): Promise<AuthError> => {
  const error = await login(prompter, env).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(AuthError);
  return error as AuthError;
};
const configure = (...lines: string[]) => appendFileSync(server.configFile, lines.map(l => `  ${l}\n`).join(''));
const replaceKey = (type: 'ed25519' | 'rsa' | 'ecdsa', passphrase = '', file = server.clientKey): string => {
  rmSync(file, { force: true });
  rmSync(`${file}.pub`, { force: true });
  makeKey(file, type, passphrase);
  appendFileSync(path.join(server.dir, 'authorized_keys'), readFileSync(`${file}.pub`));
  return file;
};

describe('key files', () => {
  it.each(['rsa', 'ecdsa'] as const)('of type %s are found under their usual name', async type => {
    rmSync(server.clientKey);
    replaceKey(type, '', path.join(server.home, '.ssh', `id_${type}`));
    expect(await login()).toBe('in\n');
  });

  it('in the old PEM form work', async () => {
    const file = replaceKey('rsa', '', path.join(server.dir, 'pem'));
    execFileSync('ssh-keygen', ['-q', '-p', '-m', 'PEM', '-N', '', '-f', file], { stdio: 'ignore' });
    configure(`IdentityFile ${file}`);
    expect(await login()).toBe('in\n');
  });

  it('with a passphrase: the person has three tries', async () => {
    replaceKey('ed25519', passphrase);
    const prompter = new ScriptedPrompter([wrongPassphrase, `${wrongPassphrase}2`, passphrase]);
    expect(await login(prompter)).toBe('in\n');
    expect(prompter.asked).toEqual(Array(3).fill(`Enter passphrase for key '${server.clientKey}': `));
    expect(prompter.echoed).toEqual([false, false, false]);
    const error = await failure(new ScriptedPrompter([wrongPassphrase, wrongPassphrase, wrongPassphrase, passphrase]));
    expect(error.message).toContain('passphrase');
    expect((await failure()).hint).toContain('ssh-add');
  });

  it('Ctrl-C at the passphrase ends the whole attempt', async () => {
    replaceKey('ed25519', passphrase);
    replaceKey('rsa', passphrase, path.join(server.home, '.ssh', 'id_rsa'));
    const prompter = new ScriptedPrompter([]);
    prompter.ask = vi.fn().mockRejectedValue(new InterruptedError('SIGINT'));
    await expect(login(prompter)).rejects.toBeInstanceOf(InterruptedError);
    expect(prompter.ask).toHaveBeenCalledTimes(1);
  });

  it('with a passphrase and no .pub beside them work too', async () => {
    replaceKey('ed25519', passphrase);
    rmSync(`${server.clientKey}.pub`);
    expect(await login(new ScriptedPrompter([passphrase]))).toBe('in\n');
  });

  it('are not asked for a passphrase when the server does not want them', async () => {
    makeKey(path.join(server.home, '.ssh', 'id_rsa'), 'rsa', passphrase);
    const prompter = new ScriptedPrompter([]);
    expect(await login(prompter)).toBe('in\n');
    expect(prompter.asked).toEqual([]);
  });

  it('that others may read are refused with the cure', async () => {
    chmodSync(server.clientKey, 0o644);
    const error = await failure();
    expect(error.message).toContain('others may read it (mode 644)');
    expect(error.hint).toBe(`chmod 600 ${server.clientKey}`);
  });

  it('that the server does not know: the error says what was tried and what it takes', async () => {
    const file = makeKey(path.join(server.dir, 'stranger'), 'ed25519');
    configure(`IdentityFile ${file}`);
    const error = await failure();
    expect(error.message).toContain(`did not accept ${server.user}`);
    expect(error.message).toContain(`tried: key ${file}`);
    expect(error.message).toContain('the server takes: publickey');
  });
});

describe('the agent', () => {
  let agent: RealAgent;
  beforeEach(async () => {
    agent = await RealAgent.start(server.dir);
  });
  afterEach(() => agent.stop());
  const add = (file: string) => agent.add(file);

  it.each(['ed25519', 'rsa', 'ecdsa'] as const)('signs with a key of type %s', async type => {
    const file = replaceKey(type, '', path.join(server.dir, `agent_${type}`));
    add(file);
    rmSync(file);
    rmSync(server.clientKey);
    expect(await login(undefined, agent.env)).toBe('in\n');
  });

  it('with many keys does not use up the tries when IdentitiesOnly names one by its .pub', async () => {
    for (let i = 0; i < 8; i++) add(makeKey(path.join(server.dir, `k${i}`), 'ed25519'));
    add(server.clientKey);
    const pub = path.join(server.dir, 'mine.pub');
    copyFileSync(`${server.clientKey}.pub`, pub);
    rmSync(server.clientKey);
    rmSync(`${server.clientKey}.pub`);
    const error = await failure(undefined, agent.env);
    expect(error.message).toMatch(/Too many authentication failures/);
    expect(error.hint).toMatch(/the agent offered \d keys; name the right one for box .* IdentitiesOnly yes/);
    configure(`IdentityFile ${pub}`, 'IdentitiesOnly yes');
    expect(await login(undefined, agent.env)).toBe('in\n');
  });

  it('that is dead is no obstacle', async () => {
    expect(await login(undefined, { SSH_AUTH_SOCK: path.join(server.dir, 'nothing') })).toBe('in\n');
    configure(`IdentityAgent ${path.join(server.dir, 'nothing-either')}`);
    expect(await login()).toBe('in\n');
  });
});

/**
 * Stands in for servers that PAM's modules here can't be: RSA SecurID with its "next tokencode", several prompts at
 * once, text beside the prompt. It runs no commands, so logging in is all it shows. See mfa.test.ts for the real thing.
 */
describe('questions', () => {
  let double: Double;
  beforeEach(async () => {
    double = await startDouble(server);
  });
  afterEach(() => double.close());
  const enter = async (prompter?: ScriptedPrompter) => {
    const host = await openHost({ kind: 'ssh', host: 'box' }, { env: server.env, prompter });
    await host.close();
  };

  it('of several rounds are asked as the server words them', async () => {
    double.policy = context => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      context.prompt(
        [{ prompt: 'Enter PASSCODE: ', echo: false }],
        'RSA SecurID',
        'Welcome to the token service',
        one => {
          context.prompt([{ prompt: 'Wait for the next tokencode: ', echo: true }], two => {
            if (one[0] === code && two[0] === nextCode) context.accept();
            else context.reject(['keyboard-interactive']);
          });
        },
      );
    };
    const prompter = new ScriptedPrompter([code, nextCode]);
    await enter(prompter);
    expect(prompter.asked).toEqual([
      'RSA SecurID\nWelcome to the token service\n(alice@127.0.0.1) Enter PASSCODE: ',
      '(alice@127.0.0.1) Wait for the next tokencode: ',
    ]);
    expect(prompter.echoed).toEqual([false, true]);
  });

  it('of one round may be several, with a text between them', async () => {
    double.policy = context => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      const prompts = [
        { prompt: 'Password: ', echo: false },
        { prompt: 'Your device shows \u001b[31ma code\u0007\nCode: ', echo: false },
      ];
      context.prompt(prompts, answers => {
        if (answers[0] === password && answers[1] === code) context.accept();
        else context.reject(['keyboard-interactive']);
      });
    };
    const prompter = new ScriptedPrompter([password, code]);
    await enter(prompter);
    // what would move the cursor is left out
    expect(prompter.asked[1]).toBe('(alice@127.0.0.1) Your device shows a code\nCode: ');
  });

  it.each(['key', 'agent'])('follow a %s that was right but not enough', async () => {
    let keyed = false;
    double.policy = context => {
      if (context.method === 'publickey' && !keyed) {
        if (context.signature === undefined) return context.accept();
        keyed = true;
        return context.reject(['keyboard-interactive'], true);
      }
      if (context.method !== 'keyboard-interactive')
        return context.reject([keyed ? 'keyboard-interactive' : 'publickey']);
      context.prompt([{ prompt: 'Code: ', echo: false }], answers => {
        if (answers[0] === code) context.accept();
        else context.reject(['keyboard-interactive']);
      });
    };
    await enter(new ScriptedPrompter([code]));
    expect(double.seen.filter(m => m === 'keyboard-interactive')).toHaveLength(1);
  });

  it('without anybody to answer are an error that shows the question', async () => {
    double.policy = context => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive', 'password']);
      context.prompt([{ prompt: 'Enter PASSCODE: ', echo: false }], () => context.reject());
    };
    const error = await enter().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AuthError);
    expect(String(error)).toContain('it asks alice for "Enter PASSCODE:", and nobody can answer');
    expect(String(error)).toContain('the server takes: keyboard-interactive, password');
  });

  it('never get the same answer twice: every try is typed', async () => {
    const answers: string[] = [];
    double.policy = context => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive', 'password']);
      context.prompt([{ prompt: 'Code: ', echo: false }], given => {
        answers.push(...given);
        context.reject(['keyboard-interactive', 'password']);
      });
    };
    await expect(enter(new ScriptedPrompter(['1', '2', '3']))).rejects.toThrow(AuthError);
    expect(answers).toEqual(['1', '2', '3']);
    expect(double.seen).not.toContain('password');
  });

  it('may take the person longer than the network may take', async () => {
    double.policy = context => {
      if (context.method === 'password' && context.password === password) return context.accept();
      context.reject(['password']);
    };
    const slow = new ScriptedPrompter([password]);
    const ask = slow.ask.bind(slow);
    slow.ask = async (text, options) => {
      await sleep(1_200);
      return ask(text, options);
    };
    const target = { kind: 'ssh', host: 'box' } as const;
    const host = await openHost(target, { env: server.env, prompter: slow, connectTimeoutMs: 600 });
    expect(slow.asked).toEqual(["alice@127.0.0.1's password: "]);
    await host.close();
  });

  it('a server that stops answering meanwhile is not waited for', async () => {
    double.policy = () => {};
    const target = { kind: 'ssh', host: 'box' } as const;
    const opened = openHost(target, { env: server.env, connectTimeoutMs: 400 });
    await expect(opened).rejects.toThrow(/no answer/);
    // nobody was refused
    await expect(opened).rejects.toThrow(ConnectionError);
  });

  it('passwords that have expired are for the person to change', async () => {
    double.policy = context => {
      if (context.method === 'password') return context.requestChange('Too old', () => {});
      context.reject(['password']);
    };
    await expect(enter(new ScriptedPrompter([password]))).rejects.toThrow(/wants a new password/);
  });
});
