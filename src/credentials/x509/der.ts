/*
 * The distinguished encoding rules (X.690) as far as X.509 needs them: what node:crypto does not show of a certificate,
 * and certificates that it can't make. Nothing is decoded that was not asked for, and what was read keeps its bytes:
 * a name that goes from one certificate into another must not change by a bit.
 */
import { CertificateError } from './problem.js';

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag of `[n]`, by default of the constructed kind. */
export const context = (n: number, kind: 'constructed' | 'primitive' = 'constructed'): number =>
  (kind === 'constructed' ? 0xa0 : 0x80) | n;

/** One value: its tag, its content, and all its bytes. */
export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly raw: Buffer;
}

const malformed = (what: string, why: string): CertificateError =>
  new CertificateError('malformed', `${what} can't be read: ${why}`);

/** Reads values one after the other. Throws nothing but CertificateError, `malformed`. */
export class DerReader {
  #at = 0;

  /** @param what is read, for errors: `the certificate` */
  constructor(
    private readonly bytes: Buffer,
    readonly what: string,
  ) {}

  /** All bytes it reads from, whatever was read of them. */
  get all(): Buffer {
    return this.bytes;
  }

  get done(): boolean {
    return this.#at === this.bytes.length;
  }

  /** The next value. @param tag the tag that it must have; default: any */
  next(tag?: number): Element {
    const start = this.#at;
    const found = this.#byte();
    if ((found & 0x1f) === 0x1f) throw this.#bad(start, 'a tag of several bytes');
    if (tag !== undefined && found !== tag) throw this.#bad(start, `tag ${hex(found)} where ${hex(tag)} belongs`);
    const length = this.#length();
    if (length > this.bytes.length - this.#at) throw this.#bad(start, 'a value longer than what holds it');
    const from = this.#at;
    this.#at += length;
    return {
      tag: found,
      content: this.bytes.subarray(from, this.#at),
      raw: this.bytes.subarray(start, this.#at),
    };
  }

  /** The next value, if it has this tag. */
  optional(tag: number): Element | undefined {
    return !this.done && this.bytes[this.#at] === tag ? this.next() : undefined;
  }

  /** A reader for the content of the next value. */
  enter(tag: number = tags.sequence): DerReader {
    return new DerReader(this.next(tag).content, this.what);
  }

  /** Checks that nothing follows. */
  end(): void {
    if (!this.done) throw this.#bad(this.#at, 'more than belongs there');
  }

  /** All following values, read one at a time. */
  *rest(tag?: number): Generator<Element> {
    while (!this.done) yield this.next(tag);
  }

  #byte(): number {
    const byte = this.bytes[this.#at];
    if (byte === undefined) throw this.#bad(this.#at, 'its end is missing');
    this.#at += 1;
    return byte;
  }

  /** X.690 10.1: definite, in as few bytes as possible. */
  #length(): number {
    const start = this.#at;
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw this.#bad(start, 'a length that is no DER');
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (count - 1)) throw this.#bad(start, 'a length in more bytes than it needs');
    return length;
  }

  #bad(at: number, why: string): CertificateError {
    return malformed(this.what, `${why} (byte ${at})`);
  }
}

/** A reader for the single value in `bytes`. */
export function readDer(bytes: Buffer, what: string, tag: number = tags.sequence): DerReader {
  const outer = new DerReader(bytes, what);
  const inside = outer.enter(tag);
  outer.end();
  return inside;
}

const hex = (tag: number): string => `0x${tag.toString(16).padStart(2, '0')}`;

/** `1.3.6.1.5.5.7.1.14` */
export function oidOf({ content }: Element, what: string): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const [i, byte] of content.entries()) {
    if (arc === 0n && byte === 0x80) throw malformed(what, 'an object identifier with leading zeros');
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if (byte >= 0x80) {
      if (i === content.length - 1 || arc >> 128n) throw malformed(what, 'an object identifier without an end');
      continue;
    }
    arcs.push(arc);
    arc = 0n;
  }
  const [first, ...others] = arcs;
  if (first === undefined) throw malformed(what, 'an empty object identifier');
  const top = first < 40n ? 0n : first < 80n ? 1n : 2n;
  return [top, first - top * 40n, ...others].join('.');
}

/** A small integer, such as a version or a path length. */
export function numberOf({ content }: Element, what: string): number {
  if (content.length === 0 || content.length > 4) throw malformed(what, 'a number out of range');
  return content.readIntBE(0, content.length);
}

/** UTCTime or GeneralizedTime (RFC 5280, 4.1.2.5), always UTC. */
export function timeOf({ tag, content }: Element, what: string): Date {
  const text = content.toString('latin1');
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  const [, year = '', month, day, hour, minute, second] = match ?? [];
  const width = tag === tags.utcTime ? 2 : tag === tags.generalizedTime ? 4 : 0;
  // two-digit years mean 1950 to 2049
  const full = year.length === 2 ? `${Number(year) < 50 ? 20 : 19}${year}` : year;
  const time = new Date(`${full}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (match === null || year.length !== width || Number.isNaN(time.getTime())) throw malformed(what, 'a broken date');
  return time;
}

/** The bytes of a bit string whose length is a whole number of bytes, as in signatures and keys. */
export function bytesOf({ content }: Element, what: string): Buffer {
  if (content[0] !== 0) throw malformed(what, 'a bit string that is not made of whole bytes');
  return content.subarray(1);
}

/** Encodes one value. */
export function encode(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const digits = Buffer.from(length.toString(16).padStart(length < 0x100 ? 2 : length < 0x10000 ? 4 : 8, '0'), 'hex');
  const minimal = digits.subarray(digits.findIndex(byte => byte !== 0));
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | minimal.length, ...minimal];
  return Buffer.concat([Buffer.from(header), content]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => encode(tags.sequence, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => encode(tags.set, ...parts);
export const octetString = (...parts: readonly Uint8Array[]): Buffer => encode(tags.octetString, ...parts);
export const bitString = (bytes: Uint8Array): Buffer => encode(tags.bitString, Buffer.of(0), bytes);
export const printable = (text: string): Buffer => encode(tags.printableString, Buffer.from(text, 'latin1'));
export const isTrue: Buffer = encode(tags.boolean, Buffer.of(0xff));

/** @param value 0 or more */
export function integer(value: number | bigint): Buffer {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return encode(tags.integer, ...((bytes[0] as number) >= 0x80 ? [Buffer.of(0)] : []), bytes);
}

export function oid(dotted: string): Buffer {
  const [top = 0, second = 0, ...others] = dotted.split('.').map(Number);
  const bytes = [top * 40 + second, ...others].flatMap(arc => {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    return digits;
  });
  return encode(tags.oid, Buffer.from(bytes));
}

/** RFC 5280, 4.1.2.5: UTCTime through 2049, then GeneralizedTime. Fractions of a second are cut. */
export function time(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  const old = date.getUTCFullYear() < 2050;
  return encode(old ? tags.utcTime : tags.generalizedTime, Buffer.from(old ? text.slice(2) : text));
}
