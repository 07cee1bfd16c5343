import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { ConnectionError } from '../errors.js';

type Dial = () => Promise<Duplex>;

/** The certificate of the server: SHA-256, in hexadecimal pairs with colons. */
export async function certificateAt(dial: Dial): Promise<string> {
  const socket = await handshake(await dial());
  try {
    return socket.getPeerCertificate().fingerprint256;
  } finally {
    socket.destroy();
  }
}

/**
 * Connections with TLS to a server with a self-signed certificate, which is recognised by that certificate.
 * @throws ConnectionError if another server answers; nothing was sent to it
 */
export function securedBy(certificate: string, dial: Dial): Dial {
  return async () => {
    const socket = await handshake(await dial());
    if (socket.getPeerCertificate().fingerprint256 === certificate) return socket;
    socket.destroy();
    throw new ConnectionError("the server on REANA's port shows another certificate than REANA did", {
      hint: 'if the certificate was renewed, run `scailfin up` again; otherwise end the process that listens on that port of the headnode',
    });
  };
}

async function handshake(raw: Duplex): Promise<TLSSocket> {
  const socket = connect({ socket: raw, rejectUnauthorized: false, servername: 'localhost' });
  try {
    await once(socket, 'secureConnect');
    return socket;
  } catch (error) {
    raw.destroy();
    throw new ConnectionError("REANA's port does not answer with TLS", { cause: error });
  }
}
