/** A broker and the desks of several loops in one thread, connected as in the gateway. */
import { MessageChannel } from "node:worker_threads";
import type { TestContext } from "node:test";
import type { AdmissionRequest } from "../../../src/admission/broker-messages.ts";
import { AdmissionCells } from "../../../src/board/admission-cells.ts";
import { Board } from "../../../src/board/board.ts";
import { ColumnDirectory } from "../../../src/board/columns.ts";
import type { Columns } from "../../../src/board/columns.ts";
import type { BoardRow } from "../../../src/board/row.ts";
import { counterNames, slotCounter } from "../../../src/config/counter-names.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { ConfigSnapshot } from "../../../src/config/snapshot.ts";
import { GatewayError } from "../../../src/core/errors.ts";
import { TimerWheel } from "../../../src/core/timer-wheel.ts";
import { AdmissionDesk } from "../../../src/relay/admission-desk.ts";
import { Admitted, Waiting } from "../../../src/relay/admitted.ts";
import { Broker } from "../../../src/supervisor/broker.ts";
import type { BrokerLink } from "../../../src/supervisor/broker.ts";

/** A config with upstreams of these settings, each besides an address. */
export function configWith(upstreams: Record<string, string>): ConfigSnapshot {
  const [first] = Object.keys(upstreams);
  const lines = Object.entries(upstreams).map(
    ([name, settings]) => `  ${name}: { dialect: openai, endpoints: [ { url: http://127.0.0.1:9/v1 } ], ${settings} }`,
  );
  const yaml = `upstreams:\n${lines.join("\n")}\nmodels: { "*": { upstream: ${first} } }\n`;
  const loaded = loadConfig(yaml, { file: "test.yaml", env: {} });
  if ("faults" in loaded) throw new Error(loaded.faults.map(({ message }) => message).join("\n"));
  return loaded.config;
}

/** One loop, as far as admission goes. */
export interface BedLoop {
  readonly desk: AdmissionDesk;
  readonly row: BoardRow;
  readonly link: BrokerLink;
}

/** How an asked-for slot has turned out; `later` where it is not known yet. */
export interface Asked {
  readonly place: Waiting | null;
  readonly result: Promise<Admitted | GatewayError>;
}

/** See the file's comment. */
export class BrokerBed {
  readonly directory = new ColumnDirectory(64);
  readonly board = Board.create({ rows: 6, columns: 64 });
  readonly broker: Broker;
  readonly loops: BedLoop[] = [];
  columns: Columns;
  config: ConfigSnapshot;

  /** @param settings of the upstream `up`. */
  constructor(test: TestContext, settings: string, loops = 2) {
    this.config = configWith({ up: settings });
    this.columns = this.directory.extend(counterNames(this.config));
    this.broker = new Broker({ board: this.board, config: this.config, columns: this.columns });
    for (let loop = 1; loop <= loops; loop++) this.loops.push(this.addLoop(loop));
    // What is written to nobody must not keep the test's process alive.
    test.after(() => {
      for (const { desk } of this.loops) desk.close();
      this.broker.close();
    });
  }

  addLoop(loop: number): BedLoop {
    const row = this.board.claimRow(loop);
    const { port1, port2 } = new MessageChannel();
    const link = this.broker.connect(port1);
    const wheel = new TimerWheel({ tickMs: 10, slots: 512 });
    const share = { board: this.board, row, columns: this.columns };
    return { row, link, desk: new AdmissionDesk({ share, config: this.config, port: port2, wheel }) };
  }

  /** The loop's thread has ended. */
  kill(loop: BedLoop): void {
    this.board.clearRow(loop.row.index);
    this.broker.disconnect(loop.link);
  }

  /** What the supervisor and the loops do at a reload. */
  reload(upstreams: Record<string, string>): void {
    this.config = configWith(upstreams);
    this.columns = this.directory.extend(counterNames(this.config));
    this.broker.reload(this.config, this.columns);
    for (const { desk } of this.loops) desk.reload(this.config, this.columns);
  }

  cells(upstream = "up"): AdmissionCells {
    return new AdmissionCells(this.board.memory, this.columns.get(slotCounter(upstream))!);
  }

  /** Slots that are out. */
  taken(upstream = "up"): number {
    return this.board.sum(this.columns.get(slotCounter(upstream))!);
  }

  ask(loop: number, request: Partial<AdmissionRequest> = {}): Asked {
    const whole: AdmissionRequest = {
      upstream: "up",
      tenant: "t",
      weight: 1,
      priority: "interactive",
      costTokens: 100,
      ...request,
    };
    let place: Waiting | null = null;
    const result = new Promise<Admitted | GatewayError>((resolve) => {
      const answer = this.loops[loop]!.desk.admit(whole, resolve);
      if (answer instanceof Waiting) place = answer;
      else resolve(answer);
    });
    return { place, result };
  }

  /** A slot, which must be there now or later. */
  async slot(loop: number, request: Partial<AdmissionRequest> = {}): Promise<Admitted> {
    return admitted(await this.ask(loop, request).result);
  }
}

/** @throws what was refused. */
export function admitted(answer: Admitted | GatewayError): Admitted {
  if (answer instanceof GatewayError) throw new Error(`refused: ${answer.code}`);
  return answer;
}

/** @throws where it was not refused. */
export function refused(answer: Admitted | GatewayError): GatewayError {
  if (answer instanceof Admitted) throw new Error("admitted");
  return answer;
}
