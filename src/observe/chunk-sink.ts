/** What passes between whoever gathers log lines and whoever writes them: whole lines, in memory that comes back. */

/** Has lent memory to a sink. */
export interface ChunkOwner {
  /** The sink is done with it. May be called from within {@link ChunkSink.put}. Must not throw. */
  reclaim(memory: ArrayBuffer): void;
}

/** Takes log lines. */
export interface ChunkSink {
  /**
   * Takes whole lines, after all that it took before. Their memory, all of it, is the sink's until the owner has it back.
   * Never blocks, never throws.
   */
  put(lines: Uint8Array<ArrayBuffer>, owner: ChunkOwner): void;
}

/** Longest that the end of a process or thread waits for the reader of its log. */
export const FINAL_FLUSH_MS = 1000;

/** Room that {@link lostLinesReport} needs. */
export const LOST_LINES_REPORT_BYTES = 256;

/** The line that stands where lines are missing. @param count how many. */
export function lostLinesReport(count: number): string {
  return `{"level":"warn","time":${Date.now()},"lines":${count},"msg":"log lines were lost: stdout is not read fast enough"}\n`;
}
