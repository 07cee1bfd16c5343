import type net from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type CipherAlgorithm, type CompressionAlgorithm, type Connection, type ServerConfig } from 'ssh2';

/**
 * For SSH connections inside another one of the same process. Without its compiled part, ssh2 1.17 writes each packet of
 * chacha20-poly1305 in pieces, and keeps the nonce in a variable of the module meanwhile: the outer connection would change it.
 */
const cipher: CipherAlgorithm[] = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'];

/** A few bytes that unpack to gigabytes would have to be unpacked before anybody has proved anything. */
const compress: CompressionAlgorithm[] = ['none'];

/**
 * What one channel may hold by the protocol: ssh2 gives a new window (MAX_WINDOW, 2 MiB) as long as the channel holds less than
 * one, and does not check whether the other side keeps to it. Bytes.
 */
export const mostOfChannel = 4 * 2 ** 20 + 64 * 1024;

/** Speaks as an SSH server over a stream: both ends of the relay are servers on the headnode. @param hostKey private, OpenSSH's format */
export function serve(
  stream: Duplex,
  hostKey: string,
  onClient: (client: Connection) => void,
  more: Partial<ServerConfig> & { keepaliveInterval?: number; keepaliveCountMax?: number } = {},
): void {
  const config = { hostKeys: [hostKey], ident: 'scailfin', algorithms: { cipher, compress }, ...more };
  // of a socket, ssh2 uses only what every stream has
  new ssh2.Server(config, onClient).injectSocket(stream as net.Socket);
}
