import assert from "node:assert/strict";
import { test } from "node:test";
import { TimerWheel } from "../../../../src/core/timer-wheel.ts";
import { Http2Exchange } from "../../../../src/upstream/http2/exchange.ts";
import { FlushTurn } from "../../../../src/upstream/http2/flush-turn.ts";
import { WaitingLine } from "../../../../src/upstream/http2/waiting-line.ts";
import { GET } from "./fixture-endpoint.ts";
import { RecordingSink } from "./recording-sink.ts";

class Fixture {
  nowMs = 0;
  readonly expired: Http2Exchange[] = [];
  readonly wheel = new TimerWheel({ tickMs: 10, slots: 64, now: () => this.nowMs });
  readonly line = new WaitingLine(this.wheel, 100, (exchange) => this.expired.push(exchange));

  push(): Http2Exchange {
    const exchange = new Http2Exchange(GET, new RecordingSink(), this.line, new FlushTurn());
    this.line.push(exchange);
    return exchange;
  }

  turn(nowMs: number): void {
    this.nowMs = nowMs;
    this.wheel.turn();
  }
}

test("hands out in order, whoever leaves between", () => {
  const fixture = new Fixture();
  const [first, second, third] = [fixture.push(), fixture.push(), fixture.push()];
  second.abort();
  assert.equal(fixture.line.size, 2);
  assert.equal(fixture.line.head, first);
  assert.equal(fixture.line.shift(), first);
  assert.equal(fixture.line.shift(), third);
  assert.equal(fixture.line.shift(), undefined);
  assert.equal(fixture.wheel.size, 0);
  fixture.wheel.stop();
});

test("expires each when its own time is up, also behind one that has left", () => {
  const fixture = new Fixture();
  const first = fixture.push();
  fixture.nowMs = 50;
  const second = fixture.push();
  fixture.nowMs = 60;
  const third = fixture.push();
  fixture.turn(90);
  assert.deepEqual(fixture.expired, []);
  fixture.turn(100);
  assert.deepEqual(fixture.expired, [first]);
  second.abort();
  fixture.turn(150);
  assert.deepEqual(fixture.expired, [first]);
  fixture.turn(160);
  assert.deepEqual(fixture.expired, [first, third]);
  assert.equal(fixture.line.size, 0);
  assert.equal(fixture.wheel.size, 0);
  fixture.wheel.stop();
});
