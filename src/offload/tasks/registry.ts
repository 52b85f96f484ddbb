/** The tasks of the product. */
import { countTokens } from "./count-tokens.ts";
import { shrinkImages } from "./shrink-images.ts";
import { understand } from "./understand.ts";

/** By name, which is also the metrics' label. */
export const TASKS = { understand, shrink_images: shrinkImages, count_tokens: countTokens } as const;

/** Their types, for the pools. */
export type ProductTasks = typeof TASKS;
