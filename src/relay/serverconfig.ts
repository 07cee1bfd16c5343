import type { CipherAlgorithm, CompressionAlgorithm, ServerConfig } from 'ssh2';

/**
 * For SSH connections inside another one of the same process. Without its compiled part, ssh2 1.17 writes each packet of
 * chacha20-poly1305 in pieces, and keeps the nonce in a variable of the module meanwhile: the outer connection would change it.
 */
const cipher: CipherAlgorithm[] = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'];

/** A few bytes that unpack to gigabytes would have to be unpacked before anybody has proved anything. */
const compress: CompressionAlgorithm[] = ['none'];

/** Both ends of the relay are servers on the headnode. @param hostKey private, OpenSSH's format */
export const serverConfig = (hostKey: string): ServerConfig => ({
  ...{ hostKeys: [hostKey], ident: 'scailfin', algorithms: { cipher, compress } },
});
