import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { WireReader } from '../../src/credentials/ssh/wire.js';
import { algorithmsFor, sign } from '../../src/hosts/keys/signature.js';

const rsa = 'ssh-rsa';
const certificate = 'ssh-rsa-cert-v01@openssh.com';
const modern = ['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256'];

/** What OpenSSH's sshconnect2.c (key_sig_algorithm) and compat.c choose. */
describe('the algorithm', () => {
  it.each([
    [rsa, modern, 'OpenSSH_9.2p1 Debian-2', 'rsa-sha2-512', 'rsa-sha2-512'],
    [rsa, ['rsa-sha2-256', 'ssh-rsa'], 'dropbear_2022.83', 'rsa-sha2-256', 'rsa-sha2-256'],
    [rsa, undefined, 'OpenSSH_5.3', 'ssh-rsa', 'ssh-rsa'],
    [rsa, ['ssh-ed25519'], 'OpenSSH_7.4', 'rsa-sha2-512', 'rsa-sha2-512'],
    [certificate, modern, 'OpenSSH_9.2p1', 'rsa-sha2-512-cert-v01@openssh.com', 'rsa-sha2-512'],
    [certificate, ['rsa-sha2-256'], 'OpenSSH_8.0', 'rsa-sha2-256-cert-v01@openssh.com', 'rsa-sha2-256'],
    [certificate, modern, 'OpenSSH_7.4', certificate, 'ssh-rsa'],
    [certificate, modern, 'OpenSSH_7.8', 'rsa-sha2-512-cert-v01@openssh.com', 'rsa-sha2-512'],
    [certificate, undefined, 'OpenSSH_6.6.1', certificate, 'ssh-rsa'],
    ['ssh-ed25519', undefined, '', 'ssh-ed25519', 'ssh-ed25519'],
    ['ssh-ed25519-cert-v01@openssh.com', modern, '', 'ssh-ed25519-cert-v01@openssh.com', 'ssh-ed25519'],
    [
      'sk-ssh-ed25519-cert-v01@openssh.com',
      modern,
      '',
      'sk-ssh-ed25519-cert-v01@openssh.com',
      'sk-ssh-ed25519@openssh.com',
    ],
  ])('for %s, with a server that says %s and is %s, is %s', (type, server, software, request, signature) => {
    expect(algorithmsFor(type, server, software)).toEqual({ request, signature });
  });

  it('is none where the server takes none that the key can do', () => {
    expect(algorithmsFor(rsa, ['ssh-ed25519'], 'OpenSSH_9.2')).toBeUndefined();
  });
});

it.each([
  ['rsa-sha2-512', 'sha512'],
  ['rsa-sha2-256', 'sha256'],
])('%s is a signature by %s', (name, hash) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = ssh2.utils.parseKey(privateKey.export({ type: 'pkcs1', format: 'pem' })) as ParsedKey;
  const data = Buffer.from('what is signed');
  const reader = new WireReader(sign(key, data, name));
  expect(reader.text()).toBe(name);
  expect(verify(hash, data, createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })), reader.string())).toBe(
    true,
  );
});
