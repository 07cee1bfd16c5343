import { lookup as lookUp } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { inLine } from '../../../printable.js';
import { HttpError } from '../http/errors.js';

export interface Address {
  readonly address: string;
  readonly family: number;
}

/** Where the names of servers come from; tests have their own. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

const mostCharacters = 2048;

/**
 * Which servers a launch may ask. Somebody who shares the cluster names them, and the headnode asks them: without limits, that
 * person would see what only the headnode can see, such as the web servers of its own network, or a cloud's metadata. So only
 * public addresses are asked, at the port of https; the cluster's owner can allow others by name.
 */
export class Reach {
  readonly #allowed: ReadonlySet<string>;
  /**
   * Names are looked up one after the other: the system's resolver holds one of the four threads that Node.js has for it and for all
   * files, for as long as somebody's name server says nothing.
   */
  #last: Promise<unknown> = Promise.resolve();

  /** @param allowed `HOST` or `HOST:PORT` */
  constructor(
    allowed: readonly string[] = [],
    private readonly resolve: Resolve = host => lookUp(host, { all: true }),
  ) {
    // as they are in URLs: in small letters, and without the port of https
    this.#allowed = new Set(
      allowed.flatMap(one => (URL.canParse(`https://${one}`) ? [new URL(`https://${one}`).host] : [])),
    );
  }

  /** @throws HttpError 400 for what is not the https URL of a server, or has a name and password in it */
  url(text: string): URL {
    if (text.length > mostCharacters) throw new HttpError(400, `The URL is longer than ${mostCharacters} characters.`);
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined) throw new HttpError(400, 'This is not a URL.');
    if (url.protocol !== 'https:') throw new HttpError(400, 'URL scheme not allowed: it must be https.');
    if (url.username !== '' || url.password !== '') {
      throw new HttpError(400, 'The URL has a user or password in it: only what is public can be launched.');
    }
    url.hash = '';
    return url;
  }

  /**
   * The addresses of a server, to which the caller then connects: to ask for them again could give others.
   * @throws HttpError 400 if one of them is not public, and if the server does not exist
   */
  async addresses({ hostname, host: wanted, port }: URL): Promise<readonly Address[]> {
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const shown = inLine(host, 100);
    const isAllowed = this.#allowed.has(wanted);
    if (!isAllowed && port !== '') {
      throw new HttpError(400, `The port ${port} of ${shown} is not asked: only that of https, 443. ${howToAllow}`);
    }
    const family = isIP(host);
    const found = family > 0 ? [{ address: host, family }] : await this.#resolved(host, shown);
    if (isAllowed || found.every(({ address }) => isPublic(address))) return found;
    throw new HttpError(400, `${shown} has an address that is not public, so it is not asked. ${howToAllow}`);
  }

  async #resolved(host: string, shown: string): Promise<readonly Address[]> {
    const turn = this.#last.then(() => this.resolve(host)).catch((): readonly Address[] => []);
    this.#last = turn;
    const found = await turn;
    if (found.length > 0) return found;
    throw new HttpError(400, `The server ${shown} is not known.`);
  }
}

const howToAllow = "The cluster's owner can allow it: see launchHosts in scailfin help settings.";

/**
 * Whether everybody on the internet means the same machine by an address, and it is not this one.
 * @param own the addresses of this machine: a service of the headnode may be one that its firewall keeps from others
 */
export function isPublic(address: string, own = ownAddresses()): boolean {
  if (!ipaddr.isValid(address)) return false;
  const plain = ipaddr.process(address);
  if (plain.range() !== 'unicast') return false;
  // all of IPv6 that is given out so far (RFC 4291, IANA); what is outside is nobody's, or has a meaning of its own
  if (plain.kind() === 'ipv6' && !plain.match(ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number])) return false;
  return !own.some(one => ipaddr.process(one).toString() === plain.toString());
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address.replace(/%.*/, '')));

/** Lets a connection find these addresses and no others. */
export const pinned =
  (addresses: readonly Address[]): LookupFunction =>
  (_host, options, callback) => {
    const [first = { address: '', family: 0 }] = addresses;
    if (options.all) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
