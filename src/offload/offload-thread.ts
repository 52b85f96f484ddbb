/** The entry of an offload thread. */
import { serveTasks } from "./serve-tasks.ts";
import { TASKS } from "./tasks/registry.ts";

serveTasks(TASKS);
