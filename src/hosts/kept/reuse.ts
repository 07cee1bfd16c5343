import { once } from 'node:events';
import net from 'node:net';
import ssh2, { type Client } from 'ssh2';
import { Connection } from '../connection.js';
import type { SshSettings } from '../sshconfig.js';
import { allPlaces, clear, control, type KeptState, type Place, placeOf, readKept } from './place.js';

/** A keeper on this machine answers at once, or is stuck. */
const answerMs = 5_000;

/**
 * The kept login that is nearest to the end of the way, and how many hosts of the way it covers.
 * @param route the hosts on the way, the last one the target
 */
export async function keptOn(
  route: readonly SshSettings[],
): Promise<{ connection: Connection; covers: number } | undefined> {
  for (let covers = route.length; covers > 0; covers--) {
    const connection = await keptEnd(route.slice(0, covers));
    if (connection) return { connection, covers };
  }
  return undefined;
}

/** The kept login for the end of this very way. */
export async function keptEnd(route: readonly SshSettings[]): Promise<Connection | undefined> {
  const place = placeOf(route);
  const file = readKept(place);
  const client = file && (await enter(place, file.hostKey));
  if (!client) return undefined;
  const connection = new Connection(client, file.name, undefined);
  connection.watch();
  return connection;
}

/** Whether a login is kept for the end of this way; not proved by asking. */
export function isKept(route: readonly SshSettings[]): boolean {
  return readKept(placeOf(route)) !== undefined;
}

/** What every keeper of this user says of itself. Files of keepers that died are cleared away. */
export async function keptLogins(): Promise<KeptState[]> {
  const states = await Promise.all(allPlaces().map(place => tell(place, 'state')));
  return states.flatMap(state => state ?? []).sort((a, b) => a.name.localeCompare(b.name));
}

/** The state of one kept login. */
export async function keptState(route: readonly SshSettings[]): Promise<KeptState | undefined> {
  return tell(placeOf(route), 'state');
}

/** Ends the kept logins of which `wanted` is true. @returns those that were ended */
export async function endKept(wanted: (state: KeptState) => boolean): Promise<KeptState[]> {
  const ended = allPlaces().map(async place => {
    const state = await tell(place, 'state');
    return state && wanted(state) ? tell(place, 'stop') : undefined;
  });
  return (await Promise.all(ended)).flatMap(state => state ?? []);
}

async function tell(place: Place, word: 'state' | 'stop'): Promise<KeptState | undefined> {
  const file = readKept(place);
  const client = file && (await enter(place, file.hostKey));
  if (!client) return undefined;
  client.on('error', () => {}); // it is gone once it has stopped
  try {
    return await new Promise<KeptState>((resolve, reject) => {
      client.once('close', () => reject(new Error('it went away')));
      client.subsys(control, (error, channel) => {
        if (error) return reject(error);
        let text = '';
        channel.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        channel.once('close', () => {
          try {
            resolve(JSON.parse(text) as KeptState);
          } catch (garbled) {
            reject(garbled);
          }
        });
        channel.end(`${word}\n`);
      });
    });
  } catch {
    return undefined;
  } finally {
    client.end();
  }
}

/** Undefined where nobody listens any more; what was left is cleared away then. */
async function enter(place: Place, hostKey: string): Promise<Client | undefined> {
  const socket = net.connect(place.socket);
  const client = new ssh2.Client();
  const limit = setTimeout(() => socket.destroy(new Error('no answer')), answerMs);
  try {
    await once(socket, 'connect');
    client.connect({
      sock: socket,
      username: 'kept',
      readyTimeout: 0,
      hostVerifier: (key: Buffer) => key.toString('base64') === hostKey.split(' ')[1],
      authHandler: ['none'],
    });
    await once(client, 'ready');
    return client;
  } catch (error) {
    client.on('error', () => {});
    socket.destroy();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED' || code === 'ENOENT') clear(place);
    return undefined;
  } finally {
    clearTimeout(limit);
  }
}
