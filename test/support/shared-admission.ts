/**
 * What a process has of an upstream's cap that it shares with others: a board, a broker, the desk of one loop, and its limits with
 * their connection to Redis. Several of them in one test are as many processes to Redis.
 */
import { MessageChannel } from "node:worker_threads";
import { Board } from "../../src/board/board.ts";
import { ColumnDirectory } from "../../src/board/columns.ts";
import { counterNames } from "../../src/config/counter-names.ts";
import { GatewayError } from "../../src/core/errors.ts";
import { TimerWheel } from "../../src/core/timer-wheel.ts";
import { createLog } from "../../src/observe/log.ts";
import { AdmissionDesk } from "../../src/relay/admission-desk.ts";
import { Waiting } from "../../src/relay/admitted.ts";
import type { Admitted } from "../../src/relay/admitted.ts";
import { Broker } from "../../src/supervisor/broker.ts";
import { ProcessLimits } from "../../src/supervisor/process-limits.ts";
import { snapshotOf } from "./gateway.ts";

const COLUMNS = 64;

/** See the file's comment. */
export class SharedAdmission implements AsyncDisposable {
  readonly broker: Broker;
  readonly limits: ProcessLimits;
  readonly #desk: AdmissionDesk;

  /** @param settings of the one upstream, `up`. */
  constructor(redis: string, settings: string) {
    const config = snapshotOf(`
store: { redis: ${redis} }
upstreams:
  up: { dialect: openai, endpoints: [ { url: http://127.0.0.1:9/v1 } ], ${settings} }
models: { "*": { upstream: up } }
`);
    const columns = new ColumnDirectory(COLUMNS).extend(counterNames(config));
    const board = Board.create({ rows: 2, columns: COLUMNS });
    this.broker = new Broker({ board, config, columns });
    const log = createLog({ write: () => {} });
    this.limits = new ProcessLimits({ config, keys: () => [], rows: 1, log, broker: this.broker });
    const { port1, port2 } = new MessageChannel();
    this.broker.connect(port1);
    const wheel = new TimerWheel({ tickMs: 10, slots: 512 });
    this.#desk = new AdmissionDesk({ share: { board, row: board.claimRow(1), columns }, config, port: port2, wheel });
  }

  /** Starts one and waits until Redis has answered it. */
  static async start(redis: string, settings: string): Promise<SharedAdmission> {
    const admission = new SharedAdmission(redis, settings);
    await admission.limits.ready();
    return admission;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#desk.waiting;
  }

  /** A slot, or why there is none; `isOnTheSpot` where nobody was asked. */
  ask(): { readonly isOnTheSpot: boolean; readonly result: Promise<Admitted | GatewayError> } {
    let isOnTheSpot = true;
    const result = new Promise<Admitted | GatewayError>((resolve) => {
      const request = { upstream: "up", tenant: "t", weight: 1, priority: "interactive", costTokens: 1 } as const;
      const answer = this.#desk.admit(request, resolve);
      if (answer instanceof Waiting) isOnTheSpot = false;
      else resolve(answer);
    });
    return { isOnTheSpot, result };
  }

  /** A slot. @throws {Error} what was refused. */
  async slot(): Promise<Admitted> {
    const answer = await this.ask().result;
    if (answer instanceof GatewayError) throw new Error(`refused: ${answer.code}`);
    return answer;
  }

  /** In the order of a gateway that ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#desk.close();
    this.broker.close();
    await this.limits.close();
  }
}
