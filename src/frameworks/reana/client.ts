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

/** The client for what a cluster offers, if that is REANA. */
export function reanaOf(at: {
  readonly facts: FrameworkFacts;
  readonly here: ClusterHere;
  readonly dial: Dial;
}): ReanaClient | undefined {
  return isReana(at.facts) ? clientOf(at.facts, at.here, at.dial) : undefined;
}
