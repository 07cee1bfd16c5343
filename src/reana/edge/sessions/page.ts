import type { ServerResponse } from 'node:http';
import type { SessionStatus } from './sessions.js';

/** What is shown in the place of a session that does not answer yet. */
export interface Notice {
  readonly title: string;
  readonly text: string;
  /** Seconds after which the browser asks again. */
  readonly again?: number;
}

export function waiting(status: SessionStatus, reason: string | undefined): Notice {
  if (status === 'failed') return { title: 'This session has failed', text: reason ?? '' };
  if (status === 'stopped') return { title: 'This session is being closed', text: 'Its files are on their way back.' };
  const text = reason ?? 'It waits for a core of the pool, its image and its files. This page looks again by itself.';
  return { title: 'The session is starting', text, again: 3 };
}

/** A page of text alone: some of it may come from a node. */
export function sendPage(response: ServerResponse, { title, text, again }: Notice): void {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${plain(title)}</title><h1>${plain(title)}</h1><p>${plain(text)}</p></html>\n`;
  response.writeHead(again === undefined ? 200 : 503, {
    ...{ 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': Buffer.byteLength(page) },
    ...{ 'Content-Security-Policy': "sandbox; default-src 'none'", 'Cache-Control': 'no-store' },
    ...(again === undefined ? {} : { Refresh: String(again) }),
  });
  response.end(page);
}

const plain = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
