import { ScailfinError } from '../../errors.js';
import { ahead } from '../../reana/ahead.js';
import { ReanaClient } from '../../reana/client.js';
import { securedBy } from '../../reana/secured.js';
import type { FrameworkFacts } from '../facts.js';
import type { ClusterHere, Dial } from '../service.js';
import { isReana, type ReanaFacts } from './facts.js';
import { tokenOf } from './token-files.js';

/**
 * A client of a cluster's REANA, which proves its identity.
 * @param dial connects to REANA; if a certificate is not enough, it has checked the server
 * @throws UsageError if the token is not on this machine
 */
export function clientOf({ certificate }: ReanaFacts, here: ClusterHere, dial: Dial): ReanaClient {
  return new ReanaClient(ahead(certificate === undefined ? dial : securedBy(certificate, dial)), tokenOf(here));
}

/** The client for the REANA that a cluster offers. @throws ScailfinError for another framework */
export function reanaOf(at: {
  readonly facts: FrameworkFacts;
  readonly here: ClusterHere;
  readonly dial: Dial;
}): ReanaClient {
  if (isReana(at.facts)) return clientOf(at.facts, at.here, at.dial);
  throw new ScailfinError(`${at.facts.name} is not REANA`);
}
