import type { Fault } from './laptop.js';
import type { Fate } from './queue.js';

/** What happens in a history, one thing after the other. All of it is plain data, so that a history can be written down. */
export type Step =
  | {
      readonly do: 'up';
      readonly nodes: number;
      readonly wait: boolean;
      readonly fault?: Fault;
      readonly second?: Second;
    }
  | { readonly do: 'scale'; readonly nodes: number; readonly fault?: Fault }
  | { readonly do: 'down'; readonly fault?: Fault; readonly second?: Second; readonly from?: 'elsewhere' }
  | { readonly do: 'status'; readonly fault?: Fault }
  | { readonly do: 'pass'; readonly seconds: number }
  | { readonly do: 'restart'; readonly what: 'headnode' | 'login' | 'laptop' }
  | { readonly do: 'submission'; readonly fate: Fate }
  | { readonly do: 'silence'; readonly seconds: number }
  | { readonly do: 'queue'; readonly wait: number; readonly lag: number }
  | { readonly do: 'network'; readonly what: 'site' | 'headnode'; readonly seconds: number }
  | { readonly do: 'disk'; readonly what: 'laptop' | 'headnode' | 'site'; readonly full: boolean }
  | { readonly do: 'node' }
  | { readonly do: 'lead' }
  | { readonly do: 'lose' };

/** The same command a second time, so many milliseconds after the first one began. */
export interface Second {
  readonly after: number;
  readonly from: 'here' | 'elsewhere';
}

/** How a history ends: the user wants the cluster, or wants to be rid of it. */
export type Ending = 'up' | 'down';
