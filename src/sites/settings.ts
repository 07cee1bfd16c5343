import * as z from 'zod';
import { bind, count, duration, gpus, htcondorSchema, line, memory, toolSchema } from './values.js';

/** The keys of the user's own config.yaml. */
export const configSchema = z.strictObject({
  headnode: line.optional(),
  /** First port tried for the pool on a headnode; the next 99 follow. */
  port: z.int().min(1024).max(65435).optional(),
  htcondor: htcondorSchema.optional(),
  /**
   * Whether requests of compute nodes are carried out behind a fence on the headnode, where only the files of their jobs
   * exist.
   */
  fence: z.enum(['auto', 'required', 'off']).optional(),
  tools: z
    .strictObject({ minikube: toolSchema.optional(), kubectl: toolSchema.optional(), helm: toolSchema.optional() })
    .optional(),
  reana: z
    .strictObject({
      flavour: z.enum(['edge', 'upstream']).optional(),
      kubernetes: line
        .refine(text => /^(minikube|context:\S+)$/.test(text), 'must be minikube or context:NAME')
        .optional(),
      /** The container engine for minikube. */
      engine: z.enum(['docker', 'podman']).optional(),
      /** The cores of minikube's node. */
      cores: count.optional(),
      memory: memory.optional(),
      /** The job controller's image in a registry. */
      image: line.optional(),
      chart: toolSchema.partial({ sha256: true }).optional(),
      /** Helm values that take precedence over scailfin's. */
      values: z.record(line, z.unknown()).optional(),
      /** Servers from which the edge may launch workflows although they are not public. */
      launchHosts: z
        .array(line.refine(text => /^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(text), 'must be HOST or HOST:PORT'))
        .optional(),
      /** After how long without use the edge closes an interactive session. */
      sessionIdle: duration.optional(),
      /** The image of interactive sessions that name none. */
      sessionImage: line.optional(),
      /** The administrator's e-mail address, with which the user signs in to REANA's page. */
      email: line.optional(),
    })
    .optional(),
  idleTimeout: duration.optional(),
  queueTime: duration.optional(),
  /** URLs that `sites check` tries to reach from a site. */
  probeUrls: z
    .array(line.refine(url => /^https?:\/\/[^\s/]+/.test(url), 'must be a URL, such as https://github.com'))
    .optional(),
  sites: z
    .record(
      line,
      z.strictObject({
        user: line.optional(),
        account: line.optional(),
        queue: line.optional(),
        headnode: line.optional(),
        relay: z.boolean().optional(),
        nodes: count.optional(),
        nodesPerJob: count.optional(),
        maxNodeHours: z.number().positive().optional(),
        gpus: gpus.optional(),
        directives: z.array(line).optional(),
        walltime: duration.optional(),
        /** In addition to those of the profile. */
        binds: z.array(bind).optional(),
      }),
    )
    .default({}),
});
export type Config = z.output<typeof configSchema>;
