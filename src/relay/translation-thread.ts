/** The entry of a thread that translates. */
import { serveTasks } from "../offload/serve-tasks.ts";
import { TRANSLATION_TASKS } from "./translation-tasks.ts";

serveTasks(TRANSLATION_TASKS);
