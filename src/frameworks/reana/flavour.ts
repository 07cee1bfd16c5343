import type { Headnode, Missing } from '../../headnode/component.js';
import type { RunningPool } from '../../htcondor/pool.js';
import type { Place, Service } from '../service.js';
import type { ReanaFacts } from './facts.js';
import type { ReanaSpec } from './spec.js';

type ReanaService = Service<ReanaSpec, ReanaFacts>;

/** Whose REANA it is. Each flavour is brought up, asked and reached in a way of its own; all speak the same API. */
export interface Flavour extends Pick<ReanaService, 'components' | 'ownScripts' | 'status' | 'dial' | 'render'> {
  /** What keeps it from coming up on this headnode; changes nothing. */
  missing(at: Headnode, spec: ReanaSpec, pool: RunningPool): Promise<readonly Missing[]>;
  /** Brings it up, or finds it running. @throws ScailfinError in the words of what does not come up */
  bringUp(at: Place, spec: ReanaSpec): Promise<ReanaFacts>;
}
