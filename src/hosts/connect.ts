import net from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type AnyAuthMethod } from 'ssh2';
import type { Prompter } from '../credentials/prompts.js';
import { AuthError, ConnectionError, messageOf, ScailfinError } from '../errors.js';
import { offerOf } from './algorithms.js';
import { Authenticator } from './auth.js';
import { Clock, keepaliveCount, keepaliveS, stepMs } from './clock.js';
import type { ConfigSource } from './config/source.js';
import { Connection } from './connection.js';
import { HostKeyCheck, type HostKeyVerdict } from './hostkeys.js';
import { keptOn } from './kept/reuse.js';
import type { Link } from './link.js';
import { RawAuth } from './rawauth.js';
import type { SshSettings } from './sshconfig.js';
import { inWords, unreachable } from './unreachable.js';

export interface ConnectOptions extends ConfigSource {
  readonly prompter?: Prompter | undefined;
  /**
   * For each step (connect, key exchange, one authentication attempt); the time in which a person types does not count.
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Called for each host on the way, the target last, once its host key is accepted; not for hosts that a kept login has
   * passed.
   */
  readonly onHostKey?: ((alias: string, verdict: HostKeyVerdict) => void) | undefined;
  /** Called with notes for the user about how the connection is made. */
  readonly onNote?: ((text: string) => void) | undefined;
}

/**
 * Connects through every host of the route, starting at the nearest one with a kept login. If a later host fails, the
 * connections that were opened are closed.
 * @throws ConnectionError, HostKeyError, AuthError; the message names the host on the way that failed
 */
export async function connect(hosts: readonly SshSettings[], options: ConnectOptions): Promise<Connection> {
  const kept = await keptOn(hosts);
  let last = kept?.connection;
  for (const [index, settings] of hosts.entries()) {
    if (index < (kept?.covers ?? 0)) continue;
    const clock = new Clock(options.connectTimeoutMs ?? settings.connectTimeoutMs ?? stepMs);
    try {
      const socket = await reach(settings, last, clock);
      last = await handshake(settings, socket, last, options, clock);
    } catch (error) {
      await last?.close();
      if (index < hosts.length - 1 && error instanceof ScailfinError) {
        error.message = `on the way to ${hosts.at(-1)?.alias} (jump host ${settings.alias}): ${error.message}`;
      }
      throw error;
    } finally {
      clock.stop();
    }
  }
  if (last === undefined) throw new TypeError('an empty route');
  return last;
}

/**
 * Connects to a neighbour of the host at the end of `through`, which stays open.
 * @throws ConnectionError, HostKeyError, AuthError
 */
export async function connectNext(through: Link, settings: SshSettings, options: ConnectOptions): Promise<Connection> {
  const clock = new Clock(options.connectTimeoutMs ?? settings.connectTimeoutMs ?? stepMs);
  try {
    return await handshake(settings, await reach(settings, through, clock), undefined, options, clock);
  } finally {
    clock.stop();
  }
}

async function reach(settings: SshSettings, through: Link | undefined, clock: Clock): Promise<Duplex> {
  if (through !== undefined) {
    return clock.within(
      through.tunnel(settings.host, settings.port).catch((error: unknown) => {
        if (error instanceof ConnectionError) throw error;
        throw unreachable(settings, `${through.name} could not connect to it (${messageOf(error)})`, error);
      }),
      () => unreachable(settings, `no answer through ${through.name}`),
    );
  }
  const socket = net.connect({ host: settings.host, port: settings.port, noDelay: true });
  try {
    await clock.within(
      new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', error => reject(unreachable(settings, inWords(error), error)));
      }),
      () => unreachable(settings, 'no answer'),
    );
    return socket;
  } catch (error) {
    socket.on('error', () => {});
    socket.destroy();
    throw error;
  }
}

async function handshake(
  settings: SshSettings,
  socket: Duplex,
  through: Connection | undefined,
  { prompter, onHostKey }: ConnectOptions,
  clock: Clock,
): Promise<Connection> {
  const paused: Prompter | undefined = prompter && {
    ask: (text, o) => clock.pausedFor(() => prompter.ask(text, o)),
    confirm: text => clock.pausedFor(() => prompter.confirm(text)),
  };
  const client = new ssh2.Client();
  const name = `${settings.user}@${settings.host}`;
  const connection = new Connection(client, name, through);
  const offer = offerOf(settings.algorithms);
  const check = new HostKeyCheck(settings, paused, offer.hostKeys);
  const auth = new Authenticator(settings, paused, offer.signatures);
  let step: 'handshake' | 'auth' = 'handshake';
  const done = new Promise<void>((resolve, reject) => {
    auth.onFailure = reject;
    client.on('banner', text => auth.banner(text));
    client.on('change password', () => reject(auth.error('the server wants a new password')));
    client.on('handshake', () => {
      step = 'auth';
    });
    client.once('ready', resolve);
    client.on('error', error => {
      if (step === 'handshake') reject(unreachable(settings, messageOf(error), error));
      else if (isBroken(error))
        reject(unreachable(settings, `the connection broke during the login (${inWords(error)})`, error));
      else reject(auth.error(/^All configured/.test(error.message) ? undefined : messageOf(error)));
    });
    client.once('close', () => {
      if (step === 'handshake') reject(unreachable(settings, 'it closed the connection before it identified itself'));
      else reject(auth.error('the server closed the connection'));
    });
    client.connect({
      sock: socket,
      username: settings.user,
      readyTimeout: 0,
      keepaliveInterval: (settings.keepaliveS ?? keepaliveS) * 1000,
      keepaliveCountMax: settings.keepaliveCount ?? keepaliveCount,
      algorithms: {
        serverHostKey: check.order,
        ...(offer.kex && { kex: offer.kex }),
        ...(offer.ciphers && { cipher: offer.ciphers }),
        ...(offer.macs && { hmac: offer.macs }),
      },
      hostVerifier: (key: Buffer, verified: (good: boolean) => void) => {
        check.verify(key).then(
          verdict => {
            if (verdict) onHostKey?.(settings.alias, verdict);
            verified(true);
          },
          (error: unknown) => {
            reject(error);
            verified(false);
          },
        );
      },
      authHandler: (left, partial, next) => {
        clock.restart();
        const attempt = async (goesOn: boolean): Promise<void> => {
          const method = await auth.next(left, goesOn);
          if (method === false || !('speak' in method)) {
            (next as (method: AnyAuthMethod | false) => void)(method);
            return;
          }
          const wire = new RawAuth(client, method.method);
          await method.speak(wire).catch((error: unknown) => {
            wire.abandon();
            auth.note(error);
            return attempt(false);
          });
        };
        attempt(partial).catch((error: unknown) =>
          reject(error instanceof ScailfinError ? error : new AuthError(messageOf(error))),
        );
      },
    });
  });
  try {
    await clock.within(done, () =>
      step === 'handshake'
        ? unreachable(settings, 'it does not answer as an SSH server')
        : unreachable(settings, 'no answer during the login'),
    );
    connection.watch();
    return connection;
  } catch (error) {
    client.destroy();
    socket.destroy();
    throw error;
  }
}

/** Whether the network, and not the host, ended a login: nobody was refused. (ssh2 says where its errors come from.) */
const isBroken = (error: Error & { level?: string }): boolean =>
  error.level === 'client-socket' || error.level === 'client-timeout';
