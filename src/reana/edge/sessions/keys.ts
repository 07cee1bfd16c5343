import { createHmac, timingSafeEqual } from 'node:crypto';
import type { People } from '../people/people.js';
import type { Person } from '../people/person.js';
import type { SessionRecord } from './record.js';

/** What opens a session for one person: the `token` of its address, as clients since 0.95.0a5 use it, or its visitor's cookie. */
export type KeyKind = 'address' | 'cookie';

/** Secret. It is worth nothing for another session, or once the person has another token. */
export function keyOf({ cookies }: SessionRecord, kind: KeyKind, person: string, people: People): string {
  const hash = people.present().find(({ id }) => id === person)?.hash ?? '';
  return `${person}.${createHmac('sha256', cookies).update(`${kind} ${person} ${hash}`).digest('base64url')}`;
}

/** Whose key it is; undefined if nobody's who has access now. */
export function holderOf(key: string, record: SessionRecord, kind: KeyKind, people: People): Person | undefined {
  const [id = ''] = key.split('.', 1);
  return same(key, keyOf(record, kind, id, people)) ? people.byId(id) : undefined;
}

function same(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
