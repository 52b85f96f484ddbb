import type { Scenario } from "../scenario.ts";
import { cancel } from "./cancel.ts";
import { flow } from "./flow.ts";
import { hold } from "./hold.ts";
import { requests } from "./requests.ts";
import { slowClients } from "./slow-clients.ts";
import { surge } from "./surge.ts";

/** Every kind of load, in the order of the usage text. */
export const SCENARIOS: readonly Scenario[] = [hold, flow, requests, cancel, slowClients, surge];

/** The scenario called `name`, or `undefined`. */
export function findScenario(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}
