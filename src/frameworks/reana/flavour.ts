import type { Headnode, Missing } from '../../headnode/component.js';
import type { RunningPool } from '../../htcondor/pool.js';
import type { Place, Service } from '../service.js';
import type { ReanaFacts } from './facts.js';
import type { ReanaSpec } from './spec.js';

type ReanaService = Service<ReanaSpec, ReanaFacts>;

/** A kind of REANA. Each flavour is started, asked and reached in its own way; all have the same API. */
export interface Flavour
  extends Pick<Required<ReanaService>, 'components' | 'ownScripts' | 'status' | 'dial' | 'people' | 'render'> {
  /** Lists what is missing for it on this headnode; changes nothing. */
  missing(at: Headnode, spec: ReanaSpec, pool: RunningPool): Promise<readonly Missing[]>;
  /** Starts it, or finds it running. @throws ScailfinError with the error of the part that does not start */
  bringUp(at: Place, spec: ReanaSpec): Promise<ReanaFacts>;
}
