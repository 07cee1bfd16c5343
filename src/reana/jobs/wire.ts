/** What one side of a wire hears. */
export interface WireEvents {
  /** A batch that the other side has sent; each comes once, in order. */
  readonly onBatch: (batch: Buffer) => void;
  /** A new program is at the other end: nothing that was sent before reaches it. */
  readonly onBegin: () => void;
}

/** The way between the edge and the program of a step that was submitted as a session. */
export interface Wire {
  /** Resolves when more may be sent; rejects if the other end is gone. */
  send(batch: Buffer): Promise<void>;
  /** Nothing more is heard. */
  close(): void;
}
