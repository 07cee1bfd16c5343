import ssh2 from 'ssh2';

/** The private half in OpenSSH's format, and `TYPE BASE64`. The private half is secret. */
export interface KeyPair {
  readonly private: string;
  readonly public: string;
}

/**
 * ECDSA, because OpenSSH has it since version 5.7, and it is allowed where only FIPS 140 algorithms are. Not ed25519: ssh2 1.17
 * can't read back the ed25519 keys it makes if the public half begins with a zero.
 */
export function newKey(): KeyPair {
  const made = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  return { private: made.private, public: made.public.trim().split(' ').slice(0, 2).join(' ') };
}
