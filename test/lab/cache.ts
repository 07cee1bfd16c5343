/** Where labs keep what is made or fetched once for all of them. */
export const cache = process.env.SCAILFIN_LAB_CACHE ?? '/var/cache/scailfin-lab';
