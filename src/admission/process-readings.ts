/** What a loop has to know of its process, and how much of it there may be. */

/** Readings of the whole process, cheap enough to be taken ten times a second by every loop. */
export interface ProcessReadings {
  readonly rssBytes: number;
  readonly rssLimitBytes: number;
  /** What waits for clients or comes from them, of all loops. */
  readonly bufferedBytes: number;
  readonly bufferedLimitBytes: number;
  /** Connections of clients, of all loops; those to upstreams not counted. */
  readonly openSockets: number;
  readonly socketLimit: number;
}

/** What limits follow from. */
export interface ProcessCapacity {
  /** What the config, the cgroup or the machine gives; `Infinity` where it is not known. */
  readonly memoryLimitBytes: number;
  /** `RLIMIT_NOFILE`; `Infinity` where there is none. */
  readonly openFileLimit: number;
  /** Whether an upstream may be spoken to over HTTP/1.1: a stream then takes a second connection. */
  readonly mayUseHttp1: boolean;
}

/** Of all memory, what waits for slow clients and what comes from clients may take this part. */
const BUFFERED_SHARE = 0.25;
/** Files that are no client's: the log, listeners, threads, idle connections to upstreams, HTTP/2 sessions. */
const RESERVED_FILES = 256;
/** And this part of all where there are few. */
const RESERVED_SHARE = 0.1;

type ProcessLimits = Pick<ProcessReadings, "rssLimitBytes" | "bufferedLimitBytes" | "socketLimit">;

/** The limits of a process. Where streams take two connections, clients get just under half of the files. */
export function processLimits({ memoryLimitBytes, openFileLimit, mayUseHttp1 }: ProcessCapacity): ProcessLimits {
  const spare = openFileLimit - Math.min(RESERVED_FILES, openFileLimit * RESERVED_SHARE);
  return {
    rssLimitBytes: memoryLimitBytes,
    bufferedLimitBytes: memoryLimitBytes * BUFFERED_SHARE,
    socketLimit: Math.floor(mayUseHttp1 ? spare / 2 : spare),
  };
}
