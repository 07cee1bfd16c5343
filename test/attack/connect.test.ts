import { createServer as createHttp } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ahead } from '../../src/reana/ahead.js';
import { proofRoutes } from '../../src/reana/edge/routes/proof.js';
import { proofOf } from '../../src/reana/proof.js';
import { provedBy } from '../../src/reana/proved.js';
import { attack } from './attack.js';

const token = 'c2VjcmV0LXNlY3JldC1zZWNyZXQ';

describe('who answers on the port of REANA', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });
  const listen = async (server: net.Server): Promise<number> => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    return (server.address() as AddressInfo).port;
  };
  const edge = async (): Promise<number> => {
    const [route] = proofRoutes(token);
    const server = createHttp((request, response) => {
      const query = new URL(request.url ?? '', 'http://localhost').searchParams;
      route?.handle({ request, response, params: {}, query, runs: {}, access: undefined as never }).then(
        answer => response.end(JSON.stringify(answer?.body)),
        error => response.writeHead(error.status).end(),
      );
    });
    closing.push(() => server.closeAllConnections());
    return listen(server);
  };
  const to = (port: number) => (): Promise<net.Socket> =>
    new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
      socket.once('error', reject);
      closing.push(() => socket.destroy());
    });

  it('gets requests only on a connection on which it has proved to know the token', async () => {
    const port = await edge();
    for (const dial of [provedBy(token, port, to(port)), ahead(provedBy(token, port, to(port)))]) {
      for (let n = 0; n < 3; n++) {
        const socket = await dial();
        socket.write(`GET /api/scailfin/proof?nonce=abcdefghijklmnop&n=${n} HTTP/1.0\r\nHost: localhost\r\n\r\n`);
        let said = '';
        for await (const part of socket) said += String(part);
        expect(said).toContain(proofOf(token, port, 'abcdefghijklmnop'));
      }
    }
  });

  it('is asked again if a connection that was made in advance has become too old', async () => {
    const port = await edge();
    let dialled = 0;
    const dial = ahead(async () => {
      dialled++;
      return to(port)();
    });
    (await dial()).destroy();
    const first = await dial();
    expect(dialled).toBe(3);
    first.destroy();
    await new Promise(resolve => setTimeout(resolve, 4000));
    (await dial()).destroy();
    expect(dialled).toBe(5);
  });

  attack({ by: 'another user', on: 'here', what: "answers on the edge's port, and is told the token" }, async count => {
    const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answers: readonly ((nonce: string) => string)[] = [
      () => ok('{"proof":"x"}'),
      () => ok('{}'),
      () => ok('{"proof":{"length":43}}'),
      nonce => ok(JSON.stringify({ proof: nonce })),
      nonce => ok(JSON.stringify({ proof: proofOf('', 1, nonce) })),
      nonce => ok(JSON.stringify({ proof: proofOf('another-token', 1, nonce) })),
      () => 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n',
      () => 'HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n',
      () => `HTTP/1.1 200 OK\r\n${'x'.repeat(1_000_000)}`,
      () => 'SSH-2.0-OpenSSH\r\n',
      () => '',
    ];
    for (const answer of answers) {
      count();
      let heard = '';
      const server = net.createServer(socket => {
        socket.on('error', () => {});
        socket.on('data', data => {
          heard += data;
          const nonce = /nonce=([\w-]+)/.exec(heard)?.[1] ?? '';
          socket.write(answer(nonce));
          setTimeout(() => socket.end(), 100);
        });
      });
      const port = await listen(server);
      await expect(provedBy(token, port, to(port))()).rejects.toThrow(
        /is not this cluster's REANA|closes|does not answer/,
      );
      expect(heard).not.toContain(token);
    }
  });

  attack(
    { by: 'another user', on: 'here', what: 'has the edge itself, on another port, answer for the one he took' },
    async count => {
      const real = await edge();
      const relay = net.createServer(socket => {
        const far = net.connect(real, '127.0.0.1');
        socket.on('error', () => {}).pipe(far);
        far.on('error', () => {}).pipe(socket);
        closing.push(() => far.destroy());
      });
      const port = await listen(relay);
      count();
      await expect(provedBy(token, port, to(port))()).rejects.toThrow("is not this cluster's REANA");
      // the very same relay leads there, where that is the port one means
      count();
      (await provedBy(token, real, to(port))()).destroy();
    },
  );

  attack(
    { by: 'a stranger on the network', on: 'here', what: 'learns from proofs what helps with the next one' },
    async count => {
      const port = await edge();
      const seen = new Set<string>();
      for (let n = 0; n < 200; n++) {
        count();
        seen.add(proofOf(token, port, `nonce-${String(n).padStart(16, '0')}`));
      }
      expect(seen.size).toBe(200);
      for (const nonce of ['', 'short', 'x'.repeat(65), 'with space in the middle', '../../../../../etc/passwd']) {
        count();
        const response = await fetch(`http://127.0.0.1:${port}/api/scailfin/proof?nonce=${encodeURIComponent(nonce)}`);
        expect(response.status, nonce).toBe(400);
      }
    },
  );
});
