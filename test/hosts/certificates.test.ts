import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthError } from '../../src/errors.js';
import { openHost } from '../../src/hosts/open.js';
import { passphrase } from '../secrets.js';
import { Authority, RealAgent, type Signing } from './ca.js';
import { ScriptedPrompter } from './prompter.js';
import { makeKey, type Sshd, startSshd } from './sshd.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const renewal = 'scailfin sshproxy --site box';
const types = ['ed25519', 'rsa', 'ecdsa'] as const;

let dir: string;
let authority: Authority;
let server: Sshd;
let agent: RealAgent | undefined;
beforeEach(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'scailfin-ca-'));
  authority = Authority.make(dir);
});
afterEach(async () => {
  agent?.stop();
  agent = undefined;
  await server.stop();
  rmSync(dir, { recursive: true });
});

/** A server that trusts the authority and no single key; the client's only key is id_ed25519 unless made otherwise. */
const start = async (...config: string[]): Promise<void> => {
  server = await startSshd({ config: [`TrustedUserCAKeys ${authority.file}`, ...config, 'MaxAuthTries 20'] });
  writeFileSync(path.join(server.dir, 'authorized_keys'), '');
};
const configure = (...lines: string[]) => appendFileSync(server.configFile, lines.map(l => `  ${l}\n`).join(''));
const key = (type: (typeof types)[number], secret = '', name = `id_${type}`): string => {
  const file = path.join(server.home, '.ssh', name);
  for (const old of [file, `${file}.pub`]) rmSync(old, { force: true });
  return makeKey(file, type, secret);
};
const certified = (signing?: Signing): string => authority.sign(server.clientKey, signing);
const login = async (prompter?: ScriptedPrompter): Promise<void> => {
  const env = { ...server.env, ...agent?.env };
  const host = await openHost({ kind: 'ssh', host: 'box' }, { env, prompter, auth: { renewal } });
  expect((await host.run(['echo', 'in'])).stdout).toBe('in\n');
  await host.close();
};
const failure = async (): Promise<AuthError> => {
  const error = await login().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(AuthError);
  return error as AuthError;
};
/** Fingerprints of what the server was shown, in order. */
const shown = (log: string): string[] =>
  [...log.matchAll(/userauth_pubkey: publickey test pkalg \S+ pkblob (\S+ \S+)/g)].map(m => m[1] as string);

describe('a certificate', () => {
  it.each(types)('beside a key of type %s lets in', async type => {
    await start();
    authority.sign(key(type));
    await login();
    expect(server.log()).toMatch(new RegExp(`Accepted publickey for root .* ${type.toUpperCase()}-CERT .*kx-key-id`));
  });

  it('of RSA signs by SHA-2 where the server takes nothing else', async () => {
    await start('PubkeyAcceptedAlgorithms rsa-sha2-512-cert-v01@openssh.com,ssh-ed25519');
    authority.sign(key('rsa'));
    await login();
  });

  it.each(['nistp384', 'nistp521'])('of ECDSA on curve %s lets in', async curve => {
    await start();
    const file = path.join(server.home, '.ssh', 'id_ecdsa');
    execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-b', curve.slice(-3), '-N', '', '-f', file]);
    authority.sign(file);
    await login();
    expect(server.log()).toContain(`ecdsa-sha2-${curve}-cert-v01@openssh.com`);
  });

  it.each(['with', 'without'])('of an encrypted key %s its .pub asks for the passphrase once', async how => {
    await start();
    const file = key('rsa', passphrase);
    execFileSync('ssh-keygen', ['-q', '-p', '-m', 'PEM', '-P', passphrase, '-N', passphrase, '-f', file], {
      stdio: 'ignore',
    });
    authority.sign(file);
    if (how === 'without') rmSync(`${file}.pub`);
    const prompter = new ScriptedPrompter([passphrase]);
    await login(prompter);
    expect(prompter.asked).toHaveLength(1);
  });

  it('by CertificateFile is shown first, and the one beside the key is not looked at', async () => {
    await start();
    const elsewhere = path.join(dir, 'elsewhere-cert.pub');
    renameSync(certified(), elsewhere);
    certified({ principals: 'somebody' });
    configure(`CertificateFile ${elsewhere}`);
    await login();
    expect(shown(server.log())).toHaveLength(1);
  });

  it('in an agent lets in, without any file', async () => {
    await start();
    agent = await RealAgent.start(dir);
    for (const type of types) {
      const file = key(type, '', 'gone');
      authority.sign(file);
      agent.add(file);
      for (const end of ['', '.pub', '-cert.pub']) rmSync(`${file}${end}`);
    }
    rmSync(server.clientKey);
    await login();
    expect(server.log()).toMatch(/Accepted publickey for root .*-CERT/);
  });

  it.each(types)('in a file goes with its key of type %s in an agent', async type => {
    await start();
    agent = await RealAgent.start(dir);
    const file = key(type, '', 'half');
    agent.add(file);
    configure(`CertificateFile ${authority.sign(file)}`, 'IdentitiesOnly yes');
    rmSync(file);
    rmSync(server.clientKey);
    await login();
  });

  it('in an agent is picked by the .pub that holds it', async () => {
    await start('MaxAuthTries 2');
    agent = await RealAgent.start(dir);
    for (let i = 0; i < 4; i++) agent.add(key('ed25519', '', `other${i}`));
    const file = key('rsa', '', 'mine');
    const certificate = authority.sign(file);
    agent.add(file);
    rmSync(file);
    configure(`IdentityFile ${certificate}`, 'IdentitiesOnly yes');
    await login();
    expect(shown(server.log())).toHaveLength(1);
  });

  it('takes its turn as with ssh', async () => {
    await start('PubkeyAcceptedAlgorithms *');
    agent = await RealAgent.start(dir);
    const nobody = { principals: 'nobody' };
    for (const type of types) authority.sign(key(type), nobody);
    agent.add(path.join(server.home, '.ssh', 'id_ecdsa'));
    const other = key('ed25519', '', 'other');
    agent.add(other);
    const twice = async (): Promise<[string[], string[]]> => {
      await failure();
      const ours = shown(server.log());
      const argv = [
        '-F',
        server.configFile,
        '-o',
        'BatchMode=yes',
        '-o',
        `UserKnownHostsFile=${server.home}/.ssh/known_hosts`,
      ];
      const env = { ...process.env, ...server.env, ...agent?.env };
      expect(() => execFileSync('ssh', [...argv, 'box', 'true'], { env, stdio: 'ignore' })).toThrow();
      return [ours, shown(server.log()).slice(ours.length)];
    };
    // ssh takes the home directory from the password file: the files are named for both
    configure(...types.map(type => `IdentityFile ${server.home}/.ssh/id_${type}`));
    const [ours, theirs] = await twice();
    expect(ours).toHaveLength(7);
    expect(ours).toEqual(theirs);
    configure(`CertificateFile ${server.home}/.ssh/id_rsa-cert.pub`, 'IdentitiesOnly yes');
    const before = theirs.length + ours.length;
    const [both] = await twice().then(([a, b]) => [[a.slice(before), b]]);
    expect(both?.[0]).toHaveLength(4);
    expect(both?.[0]).toEqual(both?.[1]);
  });
});

describe('the error names', () => {
  const refusal = async (part: string, hint: string | RegExp = `to get a new one: ${renewal}`): Promise<AuthError> => {
    const error = await failure();
    expect(error.message).toContain(part);
    expect(error.hint).toMatch(hint);
    return error;
  };

  it('a certificate that has expired, when, and how to get another', async () => {
    await start();
    const file = certified({ validity: '-3h:-2h' });
    const error = await refusal(`certificate ${file} expired 2 hours ago, on 20`);
    expect(error.message).toContain('key id "kx-key-id"');
    expect(error.message).toContain('signed by the authority SHA256:');
  });

  it('one that is not valid yet', async () => {
    await start();
    certified({ validity: '+1h:+2h' });
    await refusal('is not valid before 20');
  });

  it('one for somebody else', async () => {
    await start();
    certified({ principals: 'alice,bob' });
    await refusal('is for alice, bob, not for root', 'log in as alice, or get a certificate for root');
  });

  it('one of an authority that the server does not trust', async () => {
    await start();
    Authority.make(dir, 'other').sign(server.clientKey);
    await refusal('the server may not trust this authority, or holds the key for revoked');
  });

  it('one that was revoked', async () => {
    const revoked = path.join(dir, 'revoked');
    writeFileSync(revoked, '');
    await start(`RevokedKeys ${revoked}`);
    const file = certified();
    await login();
    execFileSync('ssh-keygen', ['-q', '-k', '-f', revoked, '-s', authority.file, file]);
    await refusal('the server may not trust this authority, or holds the key for revoked');
  });

  it('a certificate of another key', async () => {
    await start();
    renameSync(authority.sign(key('ed25519', '', 'other')), `${server.clientKey}-cert.pub`);
    await refusal(`is not for the key ${server.clientKey}`, `ssh-keygen -Lf ${server.clientKey}-cert.pub`);
  });

  it('a certificate of a host', async () => {
    await start();
    certified({ isHost: true });
    await refusal('is for a host, not for users', 'ssh-keygen -Lf');
  });

  it('a certificate file that contains no certificate', async () => {
    await start();
    writeFileSync(`${server.clientKey}-cert.pub`, 'ssh-ed25519-cert-v01@openssh.com AAAA\n');
    await refusal('is not a certificate', 'ssh-keygen -Lf');
    const whole = readFileSync(certified(), 'utf8').split(' ')[1] as string;
    writeFileSync(`${server.clientKey}-cert.pub`, `x ${whole.slice(0, 200)}\n`);
    await refusal("can't be used: the bytes end too early", 'ssh-keygen -Lf');
  });

  it('a private key that is in no file and no agent', async () => {
    await start();
    const file = certified();
    rmSync(server.clientKey);
    configure(`CertificateFile ${file}`);
    await refusal(`the private key of certificate ${file} is missing: there is no SSH agent`, 'IdentityFile');
    agent = await RealAgent.start(dir);
    await refusal('the agent holds no key', 'IdentityFile');
    agent.add(key('rsa', '', 'unrelated'));
    await refusal('is missing: the SSH agent does not hold it', 'IdentityFile');
  });

  it('a private key that is not the one of its .pub', async () => {
    await start();
    const other = key('rsa', passphrase, 'other');
    execFileSync('ssh-keygen', ['-q', '-p', '-m', 'PEM', '-P', passphrase, '-N', passphrase, '-f', other], {
      stdio: 'ignore',
    });
    const mine = key('rsa');
    authority.sign(mine);
    renameSync(other, mine);
    const error = await login(new ScriptedPrompter([passphrase])).catch((e: unknown) => e as AuthError);
    expect(error).toBeInstanceOf(AuthError);
    expect(String(error)).toContain(`the private key in ${mine} does not belong to`);
  });

  it('a key that others may read, certificate or not', async () => {
    await start();
    certified();
    chmodSync(server.clientKey, 0o644);
    await refusal('others may read it (mode 644)', `chmod 600 ${server.clientKey}`);
  });
});

it('an expired certificate is reported before the user is asked for anything else', async () => {
  await start('PasswordAuthentication yes');
  certified({ validity: '-3h:-2h' });
  const prompter = new ScriptedPrompter(['no', 'no', 'no']);
  await expect(login(prompter)).rejects.toThrow(AuthError);
  expect(prompter.asked[0]).toMatch(
    /certificate .* expired 2 hours ago.*; to get a new one: scailfin sshproxy --site box\nroot@/,
  );
  expect(prompter.asked[1]).toBe("That was not accepted; try again.\nroot@127.0.0.1's password: ");
});
