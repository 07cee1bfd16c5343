/** Something that takes a place, and from which machine it came. */
export interface Guest {
  readonly origin: string;
}

/**
 * Who has to go, where there is no room for all: one of the guests from that machine which has most of them. So whoever sends
 * many takes room from himself.
 * @param weight how much room a guest takes; default: all the same
 * @returns all guests of that machine, in the order given; none if there are no guests
 */
export function crowdOf<T extends Guest>(guests: Iterable<T>, weight: (guest: T) => number = () => 1): T[] {
  const origins = new Map<string, { sum: number; readonly guests: T[] }>();
  for (const guest of guests) {
    const own = origins.get(guest.origin) ?? { sum: 0, guests: [] };
    origins.set(guest.origin, own);
    own.sum += weight(guest);
    own.guests.push(guest);
  }
  let most: { readonly sum: number; readonly guests: T[] } = { sum: -1, guests: [] };
  for (const own of origins.values()) if (own.sum > most.sum) most = own;
  return most.guests;
}
